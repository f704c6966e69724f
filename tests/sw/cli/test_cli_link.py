# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick link` and `firebrick devices`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from firebrick.sim.fault_injection import FAULTS
from firebrick.sim.open_device import open_device
from firebrick.sim.pseudo_terminal import PseudoTerminal
from firebrick.sw.cli.main import main
from firebrick.sw.driver import discovery
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from tests.helpers.boards import LANES, tiny_board, tiny_model


@pytest.mark.usefixtures("compiled_board")
def test_link_measures_bytes_cycles_and_recovery(tmp_path: Path) -> None:
    write_fire(tiny_model(), tmp_path / "tiny.fire")
    command = ["link", "--model", str(tmp_path / "tiny.fire"), "--lanes", str(LANES), "--frames", "5"]
    figures = json.loads(CliRunner().invoke(main, [*command, "--json"], catch_exceptions=False).stdout)
    wire, cycles = figures["wire"], figures["cycles"]
    assert wire["sent"] > wire["frame_bytes"] == 3 * 26 * 30
    assert 0 < wire["overhead_percent"] < 10  # the frames are short
    assert cycles["planned"] <= cycles["frame"] < 1.2 * cycles["planned"] < 2 * cycles["frame_alone"]
    assert set(figures["recovery"]) == set(FAULTS)
    assert max(figures["recovery"].values()) < 2_000_000
    assert next(carrier["limit"] for carrier in figures["carriers"]) == "bytes on the wire"
    table = CliRunner().invoke(main, command, catch_exceptions=False).stdout
    assert "cycles from request to answer" in table


@pytest.mark.usefixtures("compiled_board")
def test_devices_lists_boards_and_ports_without_one() -> None:
    with PseudoTerminal(tiny_board()) as terminal:
        nothing = "/dev/nothing"  # short, as no column may be left out below
        listed = json.loads(CliRunner().invoke(main, ["devices", "--json", terminal.port, nothing], catch_exceptions=False).stdout)
        shown = CliRunner().invoke(main, ["devices", terminal.port, nothing], catch_exceptions=False)
    assert listed[0]["address"] == f"serial:{terminal.port}"
    assert listed[0]["identity"]["network"] == "tiny"
    assert listed[1]["identity"] is None
    assert "it cannot be opened" in listed[1]["problem"]
    assert "3 x 26 x 30" in shown.stdout
    assert "no board of ours answers" in shown.stdout
    assert shown.stderr == f"{listed[1]['problem']}\n"


def test_devices_says_when_there_is_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "serial_ports", list)
    monkeypatch.setattr(discovery, "usb_boards", list)
    table = CliRunner().invoke(main, ["devices"], catch_exceptions=False).stdout
    assert table.startswith("No serial port and no board on USB was found; connect a board")
    assert json.loads(CliRunner().invoke(main, ["devices", "--json"], catch_exceptions=False).stdout) == []


@pytest.mark.parametrize("address", ["", "gold", "serial", "serial:", "usb:", "usb2"])
def test_open_device_rejects_addresses_of_no_known_kind(address: str) -> None:
    with pytest.raises(FirebrickError, match=f"device {address}: there is no such kind of device; known: golden, sim, serial:PORT"):
        open_device(address, tiny_model())


def test_open_device_says_what_to_do_about_a_port_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=r"it cannot be opened \(.*\); check its name \(`firebrick devices` lists"):
        open_device(f"serial:{tmp_path / 'nothing'}", tiny_model())
