# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draws a test pattern: colour bars, a grey ramp, a circling disc and the frame number. Each frame depends on its number alone."""

import math

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 480
PERIOD = 100
"""Number of frames in one revolution of the disc."""
_BARS = ("#c0c0c0", "#c0c000", "#00c0c0", "#00c000", "#c000c0", "#c00000", "#0000c0")
_BARS_HEIGHT, _RAMP_HEIGHT = 3 * HEIGHT // 4, HEIGHT // 10
_LEVELS = 16


def draw(number: int) -> Image.Image:
    """The frame with the given number, from 0."""
    image = _background_image.copy()
    pen = ImageDraw.Draw(image)
    angle = 2 * math.pi * number / PERIOD
    x, y = WIDTH / 2 + 150 * math.cos(angle), _BARS_HEIGHT / 2 + 110 * math.sin(angle)
    pen.circle((x, y), 60, "#f5f5f5", "#101010", 4)
    pen.text((WIDTH // 2, HEIGHT - 36), f"frame {number}", "white", _font, anchor="mm")
    return image


def _background() -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), "#101010")
    pen = ImageDraw.Draw(image)
    for index, colour in enumerate(_BARS):
        pen.rectangle((index * WIDTH // len(_BARS), 0, (index + 1) * WIDTH // len(_BARS) - 1, _BARS_HEIGHT - 1), colour)
    for level in range(_LEVELS):
        grey = level * 255 // (_LEVELS - 1)
        ends = (level * WIDTH // _LEVELS, _BARS_HEIGHT, (level + 1) * WIDTH // _LEVELS - 1, _BARS_HEIGHT + _RAMP_HEIGHT - 1)
        pen.rectangle(ends, (grey, grey, grey))
    return image


_background_image = _background()
_font = ImageFont.load_default(32)
