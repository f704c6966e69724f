# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A test pattern: colour bars, a grey ramp, a disc that goes round and the frame's number; each frame follows from its number alone."""

import math

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 480
PERIOD = 100
"""Frames in which the disc goes round once."""
_BARS = ("#c0c0c0", "#c0c000", "#00c0c0", "#00c000", "#c000c0", "#c00000", "#0000c0")
_BARS_HEIGHT, _RAMP_HEIGHT = 3 * HEIGHT // 4, HEIGHT // 10
_LEVELS = 16


def draw(number: int) -> Image.Image:
    """The frame of a number, counted from 0."""
    picture = _still.copy()
    pen = ImageDraw.Draw(picture)
    angle = 2 * math.pi * number / PERIOD
    x, y = WIDTH / 2 + 150 * math.cos(angle), _BARS_HEIGHT / 2 + 110 * math.sin(angle)
    pen.circle((x, y), 60, "#f5f5f5", "#101010", 4)
    pen.text((WIDTH // 2, HEIGHT - 36), f"frame {number}", "white", _font, anchor="mm")
    return picture


def _background() -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT), "#101010")
    pen = ImageDraw.Draw(picture)
    for place, colour in enumerate(_BARS):
        pen.rectangle((place * WIDTH // len(_BARS), 0, (place + 1) * WIDTH // len(_BARS) - 1, _BARS_HEIGHT - 1), colour)
    for level in range(_LEVELS):
        grey = level * 255 // (_LEVELS - 1)
        ends = (level * WIDTH // _LEVELS, _BARS_HEIGHT, (level + 1) * WIDTH // _LEVELS - 1, _BARS_HEIGHT + _RAMP_HEIGHT - 1)
        pen.rectangle(ends, (grey, grey, grey))
    return picture


_still = _background()
_font = ImageFont.load_default(32)
