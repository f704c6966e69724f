# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Charts as inline SVG that needs nothing else: horizontal bars, and points under a roof."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 900
LABEL = 220
"""Room for labels on the left."""
VALUE = 240
"""Room for what is said of each bar, on the right."""
ROW = 24
BAR = 14


@dataclass(frozen=True)
class Bar:
    """One row: pieces one behind the other, each a length and a class of the style sheet, and a tick where a comparison lies."""

    label: str
    pieces: Sequence[tuple[float, str]]
    value: str
    tick: float | None = None


LEAST = 1e-300
"""A length below which every bar is drawn as none."""


def bar_chart(rows: Sequence[Bar], *, title: str, line: tuple[float, str] | None = None) -> str:
    """Rows of bars, all to one scale; ``line`` is a vertical one across them, with what it means."""
    ends = [sum(length for length, _ in row.pieces) for row in rows] + [row.tick or 0 for row in rows] + ([line[0]] if line else [])
    longest = max(ends, default=0.0)
    scale = (WIDTH - LABEL - VALUE) / longest if longest > LEAST else 0.0
    top = ROW if line else 4
    parts = []
    for number, row in enumerate(rows):
        y, x = top + number * ROW, float(LABEL)
        middle = y + ROW / 2
        parts.append(f'<text x="{LABEL - 8}" y="{middle:.1f}" class="label">{escape(row.label)}</text>')
        for length, style in row.pieces:
            wide = max(0.0, length * scale)
            parts.append(f'<rect x="{x:.1f}" y="{middle - BAR / 2:.1f}" width="{wide:.1f}" height="{BAR}" class="{style}"/>')
            x += wide
        if row.tick is not None:
            place = LABEL + row.tick * scale
            parts.append(f'<path d="M{place:.1f} {middle - BAR / 2 - 3:.1f}v{BAR + 6}" class="tick"/>')
        parts.append(f'<text x="{WIDTH - VALUE + 12}" y="{middle:.1f}" class="value">{escape(row.value)}</text>')
    height = top + len(rows) * ROW + 4
    if line:
        place = LABEL + line[0] * scale
        parts.append(f'<path d="M{place:.1f} {top - 4}V{height - 2}" class="line"/>')
        parts.append(f'<text x="{place:.1f}" y="{top - 12}" class="note">{escape(line[1])}</text>')
    return _svg(parts, height, title)


@dataclass(frozen=True)
class RooflinePoint:
    """One mark, both coordinates positive."""

    label: str
    x: float
    y: float
    style: str = "busy"


def roofline_chart(points: Sequence[RooflinePoint], *, title: str, x_label: str, y_label: str, slope: str, flat: str) -> str:
    """Points below min(x, 1), the x axis logarithmic; ``slope`` and ``flat`` say what the two parts of the roof are."""
    height, left, right, top, bottom = 460, 70, 20, 24, 50
    low_x, high_x = 0.5, 2.0 ** math.ceil(math.log2(max([4.0, *(point.x * 1.3 for point in points)])))

    def at(x: float, y: float) -> tuple[float, float]:
        across = math.log(x / low_x) / math.log(high_x / low_x)
        return left + across * (WIDTH - left - right), height - bottom - y / 1.08 * (height - top - bottom)

    parts = []
    for quarter in range(5):
        (x, y), (end, _) = at(low_x, quarter / 4), at(high_x, quarter / 4)
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{end:.1f}" class="grid"/>')
        parts.append(f'<text x="{x - 8:.1f}" y="{y:.1f}" class="label">{25 * quarter} %</text>')
    value = low_x
    while value <= high_x:
        x, y = at(value, 0)
        parts.append(f'<path d="M{x:.1f} {y:.1f}V{top}" class="grid"/><text x="{x:.1f}" y="{y + 16:.1f}" class="note">{value:g}</text>')
        value *= 2
    steps = [at(low_x ** (1 - step / 16), low_x ** (1 - step / 16)) for step in range(17)]
    curve = "L".join(f"{x:.1f} {y:.1f}" for x, y in steps)
    x2, y2 = at(high_x, 1)
    parts.append(f'<path d="M{curve}H{x2:.1f}" class="roof"/>')
    parts.append(f'<text x="{x2 - 4:.1f}" y="{y2 - 12:.1f}" class="label">{escape(flat)}</text>')
    x3, y3 = at(0.75, 0.6)
    parts.append(f'<text x="{x3 + 8:.1f}" y="{y3:.1f}" class="value">{escape(slope)}</text>')
    for point, (x, y) in sorted(((point, at(point.x, point.y)) for point in points), key=lambda pair: pair[1]):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="{point.style}"><title>{escape(point.label)}</title></circle>')
    parts += _labels([(point.label, *at(point.x, point.y)) for point in points])
    parts.append(f'<text x="{(left + WIDTH - right) / 2:.1f}" y="{height - 10}" class="note">{escape(x_label)}</text>')
    parts.append(f'<text x="{left - 60}" y="{top - 12}" class="value">{escape(y_label)}</text>')
    return _svg(parts, height, title)


def _labels(points: Sequence[tuple[str, float, float]]) -> list[str]:
    """Labels beside their points, moved down where one would cover another or a point."""
    placed = [(x - 6, y, 12.0) for _, x, y in points]
    parts = []
    for label, x, y in sorted(points, key=lambda point: (point[2], point[1])):
        beside, wide = x + 9, 6.2 * len(label)
        while any(abs(y - other) < 12 and beside < start + width and start < beside + wide for start, other, width in placed):
            y += 3
        placed.append((beside, y, wide))
        parts.append(f'<text x="{beside:.1f}" y="{y:.1f}" class="small">{escape(label)}</text>')
    return parts


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    body = "\n".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}">\n{body}\n</svg>'
