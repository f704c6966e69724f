# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The paper's tables as a page of HTML that needs nothing else, and as tables for a terminal."""

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .section import Cell, Section

if TYPE_CHECKING:
    from rich.table import Table

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
div { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
th { white-space: normal; vertical-align: bottom }
th:first-child, td:first-child { text-align: left }
tr:last-child td { border-bottom: 2px solid #888 }
p { max-width: 50rem }
"""


_PAPER = "Our sizes are computed by <code>firebrick paper</code>; accuracies need training on ImageNet and are quoted from the paper."


def html_page(sections: Sequence[Section], introduction: str = _PAPER) -> str:
    """A whole page, with an introduction in HTML; the same sections give the same text."""
    title = "SqueezeNet's tables, the paper's and ours"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
        f'<p>From <a href="https://arxiv.org/abs/1602.07360">arXiv:1602.07360</a>. {introduction}</p>',
        *(_section(section) for section in sections),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def text_table(section: Section) -> "Table":
    """One section for a terminal, its notes below."""
    from rich.table import Table

    table = Table(title=section.title, caption="\n".join(section.notes), title_justify="left", caption_justify="left")
    for index, column in enumerate(section.columns):
        table.add_column(column, justify="right" if index else "left")
    for row in section.rows:
        table.add_row(*(_text(*pair) for pair in zip(row, section.columns, strict=True)))
    return table


def _prose(text: str) -> str:
    """A sentence with what stands between backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _section(section: Section) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in section.columns)
    rows = [[_text(*pair) for pair in zip(row, section.columns, strict=True)] for row in section.rows]
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in rows)
    notes = "\n".join(f"<p>{_prose(note)}</p>" for note in section.notes)
    table = f"<div><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    return f'<h2 id="{section.key}">{escape(section.title)}</h2>\n{table}\n{notes}'


def _text(cell: Cell, column: str) -> str:
    """A cell for people; per cent have at least one decimal."""
    if cell is None:
        return ""
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, str):
        return cell
    return f"{cell:.1f}" if "%" in column and cell == round(cell) else f"{cell:g}"
