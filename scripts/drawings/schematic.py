# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Block diagrams of hardware as SVG: boxes in the cells of a grid, and right-angled arrows between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from firebrick.sw.reports.svg_blocks import STYLE

CELL_WIDTH, CELL_HEIGHT = 188, 92
"""One cell of the grid, in SVG units."""
BOX_WIDTH, BOX_HEIGHT = 144, 58
MARGIN, LINE = 16, 15


@dataclass(frozen=True)
class Box:
    """A box in the cell (column, row), which may be fractions. Styles: ``conv``, ``fire``, ``pool``, and ``port``, text without a box."""

    name: str
    column: float
    row: float
    text: str
    style: str = "fire"

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return MARGIN + (self.column + 0.5) * CELL_WIDTH, MARGIN + (self.row + 0.5) * CELL_HEIGHT

    @property
    def half(self) -> tuple[float, float]:
        """Half of its width and height."""
        lines = self.text.split("\n")
        return (3.4 * max(map(len, lines)) + 4, 9.0 * len(lines)) if self.style == "port" else (BOX_WIDTH / 2, BOX_HEIGHT / 2)


@dataclass(frozen=True)
class Arrow:
    """An arrow from one box to another, straight or with two corners, or with one: ``turn`` 'hv' goes sideways first, 'vh' up or down."""

    start: str
    end: str
    label: str = ""
    turn: str = ""


def schematic(title: str, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The diagram; ``title`` is what a screen reader says."""
    by_name = {box.name: box for box in boxes}
    width = 2 * MARGIN + CELL_WIDTH * (max(box.column for box in boxes) + 1)
    height = 2 * MARGIN + CELL_HEIGHT * (max(box.row for box in boxes) + 1)
    body = [part for arrow in arrows for part in _arrow(arrow, by_name)] + [part for box in boxes for part in _box(box)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{STYLE}.label {{ font-size: 11px; fill: #6f655d }}\n'
        "@media (prefers-color-scheme: dark) { .label { fill: #b3a79c } }\n</style>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" '
        'orient="auto"><path d="M0 0L8 4L0 8z" class="head"/></marker></defs>\n'
        f'<rect width="{width:g}" height="{height:g}" rx="12" class="card"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _box(box: Box) -> list[str]:
    (x, y), (dx, dy) = box.middle, box.half
    lines = box.text.split("\n")
    top = y - LINE * (len(lines) - 1) / 2
    style = "below" if box.style == "port" else "line"
    texts = [
        f'<text x="{x:g}" y="{top + LINE * row:g}" class="{"title" if row == 0 and style == "line" else style}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    ]
    if box.style == "port":
        return texts
    frame = f'<rect x="{x - dx:g}" y="{y - dy:g}" width="{2 * dx:g}" height="{2 * dy:g}" rx="7" class="box {box.style}"/>'
    return [frame, *texts]


def _arrow(arrow: Arrow, boxes: dict[str, Box]) -> list[str]:
    start, end = boxes[arrow.start], boxes[arrow.end]
    (x1, y1), (x2, y2), (w1, h1), (w2, h2) = start.middle, end.middle, start.half, end.half
    right, down = (1 if x2 > x1 else -1), (1 if y2 > y1 else -1)
    if arrow.turn == "hv":
        path, place = f"M{x1 + right * w1:g} {y1:g}H{x2:g}V{y2 - down * h2:g}", ((x1 + right * w1 + x2) / 2, y1 - 9)
    elif arrow.turn == "vh":
        path, place = f"M{x1:g} {y1 + down * h1:g}V{y2:g}H{x2 - right * w2:g}", ((x1 + x2 - right * w2) / 2, y2 - 9)
    elif y1 == y2:
        path, place = f"M{x1 + right * w1:g} {y1:g}H{x2 - right * w2:g}", ((x1 + right * w1 + x2 - right * w2) / 2, y1 - 9)
    elif x1 == x2:
        path, place = f"M{x1:g} {y1 + down * h1:g}V{y2 - down * h2:g}", (x1 + 6, (y1 + y2) / 2)
    else:  # out at the side, up or down half way, in at the side
        half = (x1 + right * w1 + x2 - right * w2) / 2
        path, place = f"M{x1 + right * w1:g} {y1:g}H{half:g}V{y2:g}H{x2 - right * w2:g}", (half, (y1 + y2) / 2)
    anchor = ' style="text-anchor:start"' if x1 == x2 and not arrow.turn else ""
    text = [f'<text x="{place[0]:g}" y="{place[1]:g}" class="label"{anchor}>{escape(arrow.label)}</text>'] if arrow.label else []
    return [f'<path d="{path}" class="arrow" marker-end="url(#head)"/>', *text]
