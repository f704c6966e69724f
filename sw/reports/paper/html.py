# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The paper's tables as a self-contained HTML page, and as tables on the terminal."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..html import render
from .section import Cell, Section

if TYPE_CHECKING:
    from rich.table import Table

TITLE = "SqueezeNet's tables, the paper's and ours"
INTRODUCTION = "Our sizes are computed by `firebrick paper`; accuracies need training on ImageNet and are quoted from the paper."


def paper_page(sections: Sequence[Section], introduction: str = INTRODUCTION) -> str:
    """The page of some tables, with an introduction in which backticks mark code; the same sections give the same text."""
    texts = [replace(section, rows=tuple(_texts(row, section.columns) for row in section.rows)) for section in sections]
    return render("paper.html.j2", title=TITLE, introduction=introduction, sections=texts)


def text_table(section: Section) -> "Table":
    """One section as a table on the terminal, with its notes below."""
    from rich.table import Table

    table = Table(title=section.title, caption="\n".join(section.notes), title_justify="left", caption_justify="left")
    for index, column in enumerate(section.columns):
        table.add_column(column, justify="right" if index else "left")
    for row in section.rows:
        table.add_row(*_texts(row, section.columns))
    return table


def _texts(row: Sequence[Cell], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(_text(cell, column) for cell, column in zip(row, columns, strict=True))


def _text(cell: Cell, column: str) -> str:
    """A cell as it is displayed; percentages have at least one decimal."""
    if cell is None:
        return ""
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, str):
        return cell
    return f"{cell:.1f}" if "%" in column and cell == round(cell) else f"{cell:g}"
