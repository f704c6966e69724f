# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tables on narrow terminals: no name is cut, and the least important columns go first."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.table import Table

from firebrick.hw.boards.registry import boards
from firebrick.sw.cli import devices
from firebrick.sw.cli.main import main
from firebrick.sw.cli.tables import fitted
from firebrick.sw.driver.discovery import DiscoveredDevice
from firebrick.sw.zoo import catalogue

LONG = "serial:/dev/serial/by-id/usb-FTDI_FT231X_USB_UART_DU0ABCDE-if00-port0"


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, *arguments: str) -> str:
    """What a command prints on a terminal of this width."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", result.stdout)
    assert max(len(line) for line in text.splitlines() if line.startswith(tuple("┏┡│┃└"))) <= columns
    assert "…" not in text
    return text


def test_boards_are_listed_with_whole_names(monkeypatch: pytest.MonkeyPatch) -> None:
    text = on_terminal(monkeypatch, 80, "boards")
    assert [name for name, board in boards().items() if not re.search(rf"│ {name} +│ {board.part} ", text)] == []
    assert "left out, for the terminal is too narrow: family, clock, MHz, link, multipliers" in text


@pytest.mark.parametrize("columns", [60, 80])
def test_layers_are_listed_with_whole_names(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    text = on_terminal(monkeypatch, columns, "inspect", "squeezenet1_1")
    assert [name for name in catalogue.load("squeezenet1_1").layers if f"│ {name} " not in text] == []
    assert "│ fire9  │" in text
    assert columns < 80 or "826,170 │" in text


def test_devices_are_listed_with_whole_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [DiscoveredDevice(address, "", None) for address in (LONG, "serial:/dev/ttyUSB0")]
    monkeypatch.setattr("firebrick.sw.driver.discovery.find_devices", lambda *_: found)
    assert devices.command.name == "devices"
    text = on_terminal(monkeypatch, 80, "devices")
    assert f"┃ address{' ' * (len(LONG) - 7)} ┃" in text
    assert f"│ {LONG} │" in text


def test_explored_points_are_listed_with_whole_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path))
    text = on_terminal(monkeypatch, 80, "explore", "--model", "digits", "--board", "ulx3s_12f,ecpix5_85f", "--jobs", "1")
    assert "│ ulx3s_12f " in text
    assert "│ ecpix5_85f " in text
    assert "frames/s" in text


def test_columns_are_left_out_in_the_order_given_and_never_the_first() -> None:
    table = Table("name", "first", "second", "third", caption="all")
    table.add_row("n" * 20, "f" * 9, "s" * 9, "t" * 9)
    kept = {width: [column.header for column in fitted(table, Console(width=width), ["second"]).columns] for width in (60, 59, 46, 30, 10)}
    assert kept == {
        60: ["name", "first", "second", "third"],
        59: ["name", "first", "third"],
        46: ["name", "first"],
        30: ["name"],
        10: ["name"],
    }
    assert [column.header for column in table.columns] == ["name", "first", "second", "third"]
    console = Console(width=10)
    with console.capture() as capture:
        console.print(fitted(table, console, []))
    assert capture.get().count("n") >= 20  # broken over lines rather than cut
