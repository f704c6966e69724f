# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A picture with its likeliest classes beside it."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..golden.top_k import ClassScore

HEIGHT = 360
PANEL_WIDTH = 400
"""Columns beside the picture."""
MARGIN = 20
BAR = 12


def annotated_png(photograph: Path, title: str, top5: Sequence[ClassScore], footer: str) -> bytes:
    """A PNG: the photograph, and beside it a title, a bar for each class and a footer."""
    with Image.open(photograph) as file:
        picture = ImageOps.contain(file.convert("RGB"), (16 * HEIGHT // 9, HEIGHT))
    data = io.BytesIO()
    annotate(picture, (picture.width + PANEL_WIDTH, HEIGHT), title, top5, footer).save(data, "PNG")
    return data.getvalue()


def annotate(picture: Image.Image, size: tuple[int, int], title: str, guesses: Sequence[ClassScore], footer: str) -> Image.Image:
    """An RGB picture of ``size`` (columns, rows): ``picture`` as large as it can be, and beside it a title, bars and a footer."""
    sheet = Image.new("RGB", size, "white")
    picture = ImageOps.contain(picture, (sheet.width - PANEL_WIDTH, sheet.height))
    sheet.paste(picture, ((sheet.width - PANEL_WIDTH - picture.width) // 2, (sheet.height - picture.height) // 2))
    draw = ImageDraw.Draw(sheet)
    left, width = sheet.width - PANEL_WIDTH + MARGIN, PANEL_WIDTH - 2 * MARGIN
    heading, text = _fonts
    draw.text((left, MARGIN), title, "black", heading)
    for row, guess in enumerate(guesses):
        top = MARGIN + 45 + 50 * row
        label, share = guess["label"], f"{guess['probability']:.1%}"
        while draw.textlength(label + share, text) > width - MARGIN:
            label = label[:-2] + "…"
        draw.text((left, top), label, "black", text)
        draw.text((left + width, top), share, "black", text, anchor="ra")
        draw.rectangle((left, top + 22, left + width, top + 22 + BAR), "#eeeeee")
        draw.rectangle((left, top + 22, left + round(width * guess["probability"]), top + 22 + BAR), "#c0392b")
    draw.text((left, sheet.height - MARGIN), footer, "#555555", text, anchor="ls")
    return sheet


_fonts = ImageFont.load_default(20), ImageFont.load_default(15)
