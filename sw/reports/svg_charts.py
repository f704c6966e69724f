# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Charts as self-contained inline SVG: horizontal bars, and a roofline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

CHART_WIDTH = 900
LABEL_WIDTH = 220
"""Space for labels on the left."""
VALUE_WIDTH = 240
"""Space for the value of each bar on the right."""
ROW_HEIGHT = 24
BAR_HEIGHT = 14


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart: a stacked bar, and a tick at a value to compare with."""

    label: str
    pieces: Sequence[tuple[float, str]]
    """The pieces of the bar from left to right: length, and class in the style sheet."""
    value: str
    """Text on the right."""
    tick: float | None = None


MIN_LENGTH = 1e-300
"""If the longest bar is shorter than this, no bar is drawn: the scale would overflow."""


def bar_chart(rows: Sequence[Bar], *, title: str, line: tuple[float, str] | None = None) -> str:
    """Rows of bars, all to one scale. ``line`` is a vertical line across all rows: its value and its text."""
    ends = [sum(length for length, _ in row.pieces) for row in rows] + [row.tick or 0 for row in rows] + ([line[0]] if line else [])
    longest = max(ends, default=0.0)
    scale = (CHART_WIDTH - LABEL_WIDTH - VALUE_WIDTH) / longest if longest > MIN_LENGTH else 0.0
    top = ROW_HEIGHT if line else 4
    parts = []
    for number, row in enumerate(rows):
        y, x = top + number * ROW_HEIGHT, float(LABEL_WIDTH)
        middle = y + ROW_HEIGHT / 2
        parts.append(f'<text x="{LABEL_WIDTH - 8}" y="{middle:.1f}" class="label">{escape(row.label)}</text>')
        for length, style in row.pieces:
            wide = max(0.0, length * scale)
            parts.append(f'<rect x="{x:.1f}" y="{middle - BAR_HEIGHT / 2:.1f}" width="{wide:.1f}" height="{BAR_HEIGHT}" class="{style}"/>')
            x += wide
        if row.tick is not None:
            tick = LABEL_WIDTH + row.tick * scale
            parts.append(f'<path d="M{tick:.1f} {middle - BAR_HEIGHT / 2 - 3:.1f}v{BAR_HEIGHT + 6}" class="tick"/>')
        parts.append(f'<text x="{CHART_WIDTH - VALUE_WIDTH + 12}" y="{middle:.1f}" class="value">{escape(row.value)}</text>')
    height = top + len(rows) * ROW_HEIGHT + 4
    if line:
        at = LABEL_WIDTH + line[0] * scale
        parts.append(f'<path d="M{at:.1f} {top - 4}V{height - 2}" class="line"/>')
        parts.append(f'<text x="{at:.1f}" y="{top - 12}" class="note">{escape(line[1])}</text>')
    return _svg(parts, height, title)


@dataclass(frozen=True)
class RooflinePoint:
    """A point of a roofline chart; both coordinates are positive."""

    label: str
    x: float
    y: float
    style: str = "busy"


def roofline_chart(points: Sequence[RooflinePoint], *, title: str, x_label: str, y_label: str, slope: str, flat: str) -> str:
    """Points under the roof y = min(x, 1), with a logarithmic x axis. ``slope`` and ``flat`` are the texts of the two parts of the roof."""
    height, left, right, top, bottom = 460, 70, 20, 24, 50
    low_x, high_x = 0.5, 2.0 ** math.ceil(math.log2(max([4.0, *(point.x * 1.3 for point in points)])))

    def at(x: float, y: float) -> tuple[float, float]:
        across = math.log(x / low_x) / math.log(high_x / low_x)
        return left + across * (CHART_WIDTH - left - right), height - bottom - y / 1.08 * (height - top - bottom)

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
    parts.append(f'<text x="{(left + CHART_WIDTH - right) / 2:.1f}" y="{height - 10}" class="note">{escape(x_label)}</text>')
    parts.append(f'<text x="{left - 60}" y="{top - 12}" class="value">{escape(y_label)}</text>')
    return _svg(parts, height, title)


def _labels(points: Sequence[tuple[str, float, float]]) -> list[str]:
    """Labels to the right of their points, moved down until none covers another label or a point."""
    occupied = [(x - 6, y, 12.0) for _, x, y in points]
    parts = []
    for label, x, y in sorted(points, key=lambda point: (point[2], point[1])):
        beside, wide = x + 9, 6.2 * len(label)  # an estimate: 6.2 pixels per character of the class `small`
        while any(abs(y - other) < 12 and beside < start + width and start < beside + wide for start, other, width in occupied):
            y += 3
        occupied.append((beside, y, wide))
        parts.append(f'<text x="{beside:.1f}" y="{y:.1f}" class="small">{escape(label)}</text>')
    return parts


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    body = "\n".join(parts)
    return f'<svg viewBox="0 0 {CHART_WIDTH} {height:g}" role="img" aria-label="{escape(title)}">\n{body}\n</svg>'
