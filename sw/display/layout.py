# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where things are on the screen, in pixels, cells and colours.

Text is in lines of cells on a grid of rows::

    row 0             line 0: the network's name
    rows 2, 5, .. 14  lines 1 to 5: a class and its probability
    rows 3, 6, .. 15  its bar
    row 17            line 6: frames per second, milliseconds of a frame
    row 18            line 7: dropped frames, state
"""

from enum import IntEnum

from .probabilities import SHOWN_CLASSES

WIDTH, HEIGHT = 640, 480
LEFT, TOP = 40, 12
"""Where the first cell begins."""
DOT = 3
"""Pixels of a dot of the font, in both directions."""
CELL_COLUMNS, CELL_ROWS = 6, 8
"""Dots of a cell: a glyph and a gap."""
COLUMNS, ROWS = 31, 19
"""Cells of the grid."""
LINES = 8
"""Lines of text."""
BAR_MARGIN = 3
"""Pixels of a bar's row above and below the bar."""

CLASS_LINE = 1
"""The line of the best class; the others follow."""
RATE_LINE = CLASS_LINE + SHOWN_CLASSES
STATE_LINE = RATE_LINE + 1
NAME_COLUMNS = 24
"""Cells of a name."""
PERCENT_END = COLUMNS - 2
"""The cell of a percentage's last digit; then comes its sign."""
RATE_END = 2
MS_END = 20
DROPPED_END = 13
"""The cells of the last digits of these numbers."""
STATE_COLUMN = 16
"""The first cell of the state, a multiple of 16."""


class Colour(IntEnum):
    """The numbers of the colours."""

    BACKGROUND = 0
    TEXT = 1
    TITLE = 2
    STATE = 3
    BAR = 4
    TROUGH = 5


PALETTE = ((16, 16, 24), (240, 240, 240), (240, 128, 80), (248, 208, 64), (178, 34, 34), (48, 48, 64))
"""Red, green and blue of each colour."""


def text_line(row: int) -> int | None:
    """The line of text in a row of the grid, if there is one."""
    if row < ROWS - 2:
        return 0 if row == 0 else CLASS_LINE + (row - 2) // 3 if row % 3 == 2 else None
    return RATE_LINE + row - (ROWS - 2)


def bar_class(row: int) -> int | None:
    """The place of the class, 0 for the best, whose bar is in a row of the grid, if there is one."""
    return row // 3 - 1 if row % 3 == 0 and 3 <= row < ROWS - 2 else None


def bar_length(tenths: int) -> int:
    """Pixels of a bar, for a probability in tenths of a percent."""
    return (tenths >> 1) + (tenths >> 4)


def text_colour(line: int, column: int) -> Colour:
    """The colour of a cell's text."""
    if line == 0:
        return Colour.TITLE
    return Colour.STATE if line == STATE_LINE and column >= STATE_COLUMN else Colour.TEXT
