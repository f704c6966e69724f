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
