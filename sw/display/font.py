# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The font: glyphs of 5 x 8 dots for the printable characters of ASCII, drawn in font.txt."""

from functools import cache
from importlib.resources import files

GLYPH_COLUMNS, GLYPH_ROWS = 5, 8
BAND = 16
"""Glyphs beside each other in font.txt: a line of the characters, then a line for each row of dots."""
CHARACTERS = "".join(map(chr, range(32, 127)))


@cache
def glyphs() -> dict[str, tuple[int, ...]]:
    """The rows of each character's glyph, from the top; of a row, the leftmost dot is the lowest bit."""
    lines = files("firebrick.sw.display").joinpath("font.txt").read_text("ascii").splitlines()
    drawn = {}
    for number, character in enumerate(CHARACTERS):
        band, place = divmod(number, BAND)
        first, left = band * (GLYPH_ROWS + 1) + 1, place * (GLYPH_COLUMNS + 1)
        rows = [line[left : left + GLYPH_COLUMNS] for line in lines[first : first + GLYPH_ROWS]]
        drawn[character] = tuple(sum(1 << column for column, dot in enumerate(row) if dot == "#") for row in rows)
    return drawn
