# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A block diagram of a pipeline as SVG: boxes in rows, with arrows between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BOX_WIDTH, BOX_HEIGHT = 136, 68
GAP = 22
"""Space between two boxes, for the arrow."""
ROW_HEIGHT = BOX_HEIGHT + 62
"""A row has its boxes, the text below them, and space for the line to the next row."""
MARGIN = 24
LINE = 17
"""Distance of the lines of text in a box."""


@dataclass(frozen=True)
class Block:
    """One box: a title, lines of text in it, a line below it, and the class of its style."""

    title: str
    lines: tuple[str, ...]
    below: str
    style: str


def block_diagram(blocks: Sequence[Block], *, title: str, entry: str, columns: int) -> str:
    """Boxes in rows of ``columns``, each with an arrow to the next; ``entry`` is the text above the first box."""
    rows = -(-len(blocks) // columns)
    width = 2 * MARGIN + columns * BOX_WIDTH + (columns - 1) * GAP
    height = 2 * MARGIN + rows * ROW_HEIGHT - 24
    parts = [f'<text x="{MARGIN}" y="{MARGIN}" class="below start">{escape(entry)}</text>']
    for index, block in enumerate(blocks):
        row, column = divmod(index, columns)
        x, y = MARGIN + column * (BOX_WIDTH + GAP), MARGIN + 16 + row * ROW_HEIGHT
        parts += _box(block, x, y)
        middle = y + BOX_HEIGHT / 2
        if index + 1 == len(blocks):
            continue
        if column + 1 < columns:
            parts.append(_arrow(f"M{x + BOX_WIDTH} {middle:g}h{GAP - 7}"))
        else:  # back to the first column of the next row: down, left and down
            turn, right = y + BOX_HEIGHT + 36, x + BOX_WIDTH / 2
            left, end = MARGIN + BOX_WIDTH / 2, y + ROW_HEIGHT - 7
            parts.append(_arrow(f"M{right:g} {y + BOX_HEIGHT + 26}V{turn:g}H{left:g}V{end:g}"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" class="head"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" rx="12" class="card"/>\n{body}\n</svg>\n'
    )


def _box(block: Block, x: float, y: float) -> list[str]:
    middle = x + BOX_WIDTH / 2
    top = y + BOX_HEIGHT / 2 - LINE * len(block.lines) / 2
    texts = [(block.title, "title"), *((line, "line") for line in block.lines)]
    return [
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7" class="box {block.style}"/>',
        *(
            f'<text x="{middle:g}" y="{top + LINE * row:g}" class="{style}">{escape(text)}</text>'
            for row, (text, style) in enumerate(texts)
        ),
        f'<text x="{middle:g}" y="{y + BOX_HEIGHT + 15}" class="below">{escape(block.below)}</text>',
    ]


def _arrow(path: str) -> str:
    return f'<path d="{path}" class="arrow" marker-end="url(#head)"/>'


STYLE = """
text { font: 12.5px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #2b2420 }
text { text-anchor: middle; dominant-baseline: central }
.title { font-weight: 600; font-size: 14px } .below { fill: #6f655d } .start { text-anchor: start }
.card { fill: #fbf9f7; stroke: #e6dfd8 } .box { stroke-width: 1.5 }
.arrow { fill: none; stroke: #8a7d73; stroke-width: 1.5 } .head { fill: #8a7d73 }
.conv { fill: #fbe3dd; stroke: #c4452d } .fire { fill: #fdeed6; stroke: #d98a1f } .pool { fill: #dcebf2; stroke: #2f6f8f }
@media (prefers-color-scheme: dark) {
text { fill: #efe8e1 } .below { fill: #b3a79c } .card { fill: #1b1817; stroke: #352f2b } .arrow { stroke: #a2968b } .head { fill: #a2968b }
.conv { fill: #4a221a; stroke: #ee6a4d } .fire { fill: #453213; stroke: #f0a94b } .pool { fill: #173542; stroke: #6db3d3 }
}
"""
"""Light and dark style; the card behind the boxes keeps the text legible on any page."""
