# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tables on the terminal: no cell is cut; where there is no room, the least important columns are left out."""

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

FULL_WIDTH = 160
"""Columns of characters where stdout is no terminal."""


def print_tables(*tables: "Table", least: Sequence[str] = ()) -> None:
    """Print tables; at full width if stdout is no terminal.

    A column with a ``min_width`` may break its lines, others never do. Columns that have no room are left out: those whose headings are in
    ``least`` first, in this order, then the last ones, but never the first. The caption says which.
    """
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = FULL_WIDTH
    for table in tables:
        console.print(fitted(table, console, least))


def fitted(table: "Table", console: "Console", least: Sequence[str]) -> "Table":
    """A table of which nothing is cut at the console's width."""
    kept = list(table.columns)
    needed = {id(column): _width(column, console) for column in kept}

    def total() -> int:
        return sum(needed[id(column)] + 3 for column in kept) + 1  # a blank on either side, and lines between columns

    left_out = []
    for column in sorted(kept[1:], key=lambda column: _rank(str(column.header), kept.index(column), least)):
        if total() <= console.width:
            break
        kept.remove(column)
        left_out.append(str(column.header))
    smaller = copy(table)
    smaller.columns = [copy(column) for column in kept]
    for index, column in enumerate(smaller.columns):
        column._index = index  # where a column stands decides on which side it has lines
        column.overflow = "fold"
        if not column.min_width and needed[id(kept[index])] < console.width:
            column.width = needed[id(kept[index])]
    if left_out:
        caption = f"left out, for the terminal is too narrow: {', '.join(left_out)}"
        smaller.caption, smaller.caption_justify = (f"{table.caption}\n{caption}" if table.caption else caption), "left"
    return smaller


def _rank(heading: str, index: int, least: Sequence[str]) -> tuple[int, int]:
    """Where a column stands in the order of being left out."""
    return (0, least.index(heading)) if heading in least else (1, -index)


def _width(column: "Column", console: "Console") -> int:
    """Characters that a column needs: its widest cell, or its heading's longest word."""
    if column.min_width:
        return column.min_width
    words = str(column.header).split() or [""]
    cells = [*column.cells, column.footer]
    return max([len(word) for word in words] + [console.measure(cell).maximum if cell else 0 for cell in cells])
