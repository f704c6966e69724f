# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The README's table of results is the one that docs/figures.py writes."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_readme_has_the_rows_that_figures_writes() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "figures.py"))
    table = (ROOT / "README.md").read_text().split(script["START"])[1].split(script["END"])[0]
    cells = [script["_cells"](line) for line in table.splitlines()[2:]]
    assert [(what, command) for what, _, command in cells] == [(row.what, row.shown) for row in script["ROWS"]]
    assert all(figure for _, figure, _ in cells)
