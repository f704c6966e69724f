# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tables in pages are those that the scripts in docs write."""

import runpy

import pytest

from tests.helpers.paths import ROOT


def test_readme_has_the_rows_that_figures_writes() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "readme_figures.py"))
    table = (ROOT / "README.md").read_text().split(script["START"])[1].split(script["END"])[0]
    cells = [script["_cells"](line) for line in table.splitlines()[2:]]
    assert [(what, command) for what, _, command in cells] == [(row.what, row.shown) for row in script["ROWS"]]
    assert all(figure for _, figure, _ in cells)


@pytest.mark.parametrize("page", ["README.md", "docs/boards.md"])
def test_pages_have_the_builds_of_the_script(page: str) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "bitstream_tables.py"))
    table = (ROOT / page).read_text().split(script["START"])[1].split(script["END"])[0]
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    assert tuple(head) == script["HEAD"]
    assert [line[0] for line in lines] == [f"`{command}`" for command in script["BUILDS"][page]]


def test_page_of_the_link_has_the_rows_of_the_script() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "link_table.py"))
    table = (ROOT / "docs" / "live.md").read_text().split(script["START"])[1].split(script["END"])[0]
    head, _, *lines = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines())
    assert head[1:] == [f"`{command}`" for command in script["COMMANDS"]]
    assert [line[0] for line in lines] == [what for what, _ in script["ROWS"]]


def test_link_table_shows_a_report() -> None:
    carriers = [
        {"name": "UART, 3 Mbaud", "fps": 1.966, "limit": "bytes on the wire"},
        {"name": "USB full speed", "fps": 7.354, "limit": "round trips"},
        {"name": "USB high speed", "fps": 41.18, "limit": "engine"},
    ]
    delays = {"drop": 1072, "duplicate": 1, "reorder": 2, "delay": 3, "corrupt": 4001, "truncate": 4, "noise": 9999, "disconnect": 5}
    report = {
        "wire": {"frame_bytes": 150528, "score_bytes": 2000, "sent": 152501.4, "received": 58.5, "overhead_percent": 2.762},
        "cycles": {"frame": 1456907, "frame_alone": 2707534, "question": 316},
        "engine_fps": 41.18, "carriers": carriers, "host_ms": 0.0811, "recovery": delays,
    }  # fmt: skip
    table = runpy.run_path(str(ROOT / "scripts" / "link_table.py"))["table"]([report, report])
    figures = [line.split("|")[2].strip() for line in table.splitlines()[2:]]
    assert figures == [
        *("150,528 and 2,000", "152,501 and 58.5", "2.8 %", "1,456,907", "41.2", "1.97", "7.35", "41.2, limited by the engines"),
        *("2,707,534", "316", "0.081", "1,072", "4,001", "5"),
    ]


def test_row_shows_a_build_and_its_verification() -> None:
    row = runpy.run_path(str(ROOT / "scripts" / "bitstream_tables.py"))["row"]
    kinds = {"luts": 1000, "block_rams": 2, "multipliers": 3}
    report = {
        "actual": kinds, "available": {kind: 2 * count for kind, count in kinds.items()}, "frequency_mhz": 60.714, "fmax_mhz": 66.789,
        "cycles_per_frame": 1234, "simulated_cycles_per_frame": None, "fps": 4321.25,
        "host": [{"carrier": "UART, 3 Mbaud", "fps": 1.966}, {"carrier": "USB high speed", "fps": 93.08}],
    }  # fmt: skip
    expected = (
        "`c`",
        "1,000 of 2,000",
        "2 of 4",
        "3 of 6",
        "60.7 (66.8) MHz",
        "1,234",
        "4,321.2",
        "1.97 by UART, 93.1 by high-speed USB",
        "",
    )
    assert row("c", report, None) == expected
    verified = row("c", report | {"simulated_cycles_per_frame": 1235}, {"weights": 10, "weights_proven": 9})
    assert (verified[5], verified[8]) == ("1,235, simulated", "9 of 10")


def test_page_of_the_bus_has_the_ports_and_registers_of_the_sources() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "axi_tables.py"))
    page = (ROOT / "docs" / "axi.md").read_text()
    assert page == script["written"](page), "run python scripts/axi_tables.py"
