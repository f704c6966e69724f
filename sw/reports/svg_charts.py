# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Charts as self-contained inline SVG: horizontal bars, and a roofline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

TEXT_HEIGHT = 18
"""Pixels of a line of text above a bar."""
BAR_HEIGHT = 12
BAR_GAP = 4
LINE_CHARACTERS = 52
"""Characters of a line on a narrow page: label and value that are longer together take two lines."""
ROOFLINE_WIDTH = 900
"""Units across a roofline, which is scaled as a whole."""


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
    """Rows of bars, all to one scale. ``line`` is a vertical line across all rows: its value and its text.

    Across, all positions are per cent of the page's width, so that text has the same size on a telephone and on a desk.
    """
    ends = [sum(length for length, _ in row.pieces) for row in rows] + [row.tick or 0 for row in rows] + ([line[0]] if line else [])
    longest = max(ends, default=0.0)
    scale = 100 / longest if longest > MIN_LENGTH else 0.0
    top = y = TEXT_HEIGHT + 6 if line else 4
    parts = []
    for row in rows:
        lines = 1 if len(row.label) + len(row.value) <= LINE_CHARACTERS else 2
        bar, x = y + lines * TEXT_HEIGHT, 0.0
        parts.append(f'<text x="0" y="{y + TEXT_HEIGHT / 2:g}">{escape(row.label)}</text>')
        parts.append(f'<text x="100%" y="{bar - TEXT_HEIGHT / 2:g}" class="label">{escape(row.value)}</text>')
        for length, style in row.pieces:
            wide = min(max(0.0, length * scale), 100 - x)
            parts.append(f'<rect x="{x:.2f}%" y="{bar}" width="{wide:.2f}%" height="{BAR_HEIGHT}" class="{style}"/>')
            x += wide
        if row.tick is not None:
            parts.append(_vertical(row.tick * scale, bar - 2, bar + BAR_HEIGHT + 2, "tick"))
        y = bar + BAR_HEIGHT + BAR_GAP
    height = y + 4
    if line:
        at = line[0] * scale
        parts.append(_vertical(at, top - 4, height - 2, "line"))
        parts.append(f'<text x="{at:.2f}%" y="{TEXT_HEIGHT / 2:g}" class="{"label" if at > 50 else "value"}">{escape(line[1])}</text>')
    body = "\n".join(parts)
    return f'<svg height="{height}" role="img" aria-label="{escape(title)}">\n{body}\n</svg>'


def _vertical(at: float, top: float, bottom: float, style: str) -> str:
    """A vertical line at some per cent of the width."""
    return f'<line x1="{at:.2f}%" y1="{top}" x2="{at:.2f}%" y2="{bottom}" class="{style}"/>'


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
        return left + across * (ROOFLINE_WIDTH - left - right), height - bottom - y / 1.08 * (height - top - bottom)

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
    parts.append(f'<text x="{(left + ROOFLINE_WIDTH - right) / 2:.1f}" y="{height - 10}" class="note">{escape(x_label)}</text>')
    parts.append(f'<text x="{left - 60}" y="{top - 12}" class="value">{escape(y_label)}</text>')
    body = "\n".join(parts)
    return f'<svg viewBox="0 0 {ROOFLINE_WIDTH} {height:g}" role="img" aria-label="{escape(title)}">\n{body}\n</svg>'


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
