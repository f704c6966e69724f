# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The picture on the screen. The hardware sends exactly this."""

import numpy as np
from numpy.typing import NDArray

from .font import GLYPH_COLUMNS, glyphs
from .layout import (
    BAR_MARGIN,
    CELL_COLUMNS,
    CELL_ROWS,
    COLUMNS,
    DOT,
    HEIGHT,
    LEFT,
    PALETTE,
    ROWS,
    TOP,
    WIDTH,
    Colour,
    bar_class,
    bar_length,
    text_colour,
    text_line,
)
from .probabilities import SHOWN_CLASSES, WHOLE
from .settings import DisplaySettings
from .state import ScreenState
from .text import text_lines


def render(state: ScreenState, settings: DisplaySettings) -> NDArray[np.uint8]:
    """The picture of a state, shape (HEIGHT, WIDTH, 3), red, green and blue from 0 to 255."""
    picture = np.full((HEIGHT, WIDTH), Colour.BACKGROUND, np.uint8)
    lines = text_lines(state, settings)
    for row in range(ROWS):
        top = TOP + row * CELL_ROWS * DOT
        line, place = text_line(row), bar_class(row)
        if line is not None:
            for column in range(COLUMNS):
                left = LEFT + column * CELL_COLUMNS * DOT
                cell = picture[top : top + CELL_ROWS * DOT, left : left + CELL_COLUMNS * DOT]
                cell[_dots(lines[line][column])] = text_colour(line, column)
        if place is not None:
            bar = picture[top + BAR_MARGIN : top + CELL_ROWS * DOT - BAR_MARGIN, LEFT : LEFT + bar_length(WHOLE)]
            bar[:] = Colour.TROUGH
            if place < min(SHOWN_CLASSES, len(state.classes)):
                bar[:, : bar_length(state.classes[place].tenths)] = Colour.BAR
    return np.array(PALETTE, np.uint8)[picture]


def _dots(character: str) -> NDArray[np.bool_]:
    """The pixels of a cell that a character sets."""
    dots = np.zeros((CELL_ROWS, CELL_COLUMNS), bool)
    dots[:, :GLYPH_COLUMNS] = [[bits >> column & 1 for column in range(GLYPH_COLUMNS)] for bits in glyphs()[character]]
    return dots.repeat(DOT, axis=0).repeat(DOT, axis=1)
