# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draws an image with its top-k classes beside it."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..golden.top_k import ClassScore

HEIGHT = 360
PANEL_WIDTH = 400
"""Width of the panel beside the image."""
MARGIN = 20
BAR = 12


def annotated_png(photograph: Path, title: str, top5: Sequence[ClassScore], footer: str) -> bytes:
    """A PNG: the photograph, and beside it a title, a bar for each class and a footer."""
    with Image.open(photograph) as file:
        image = ImageOps.contain(file.convert("RGB"), (16 * HEIGHT // 9, HEIGHT))
    data = io.BytesIO()
    annotate(image, (image.width + PANEL_WIDTH, HEIGHT), title, top5, footer).save(data, "PNG")
    return data.getvalue()


def annotate(image: Image.Image, size: tuple[int, int], title: str, top5: Sequence[ClassScore], footer: str) -> Image.Image:
    """An RGB image of ``size`` (width, height): ``image`` scaled to fit, and beside it a title, a bar for each class and a footer."""
    sheet = Image.new("RGB", size, "white")
    image = ImageOps.contain(image, (sheet.width - PANEL_WIDTH, sheet.height))
    sheet.paste(image, ((sheet.width - PANEL_WIDTH - image.width) // 2, (sheet.height - image.height) // 2))
    draw = ImageDraw.Draw(sheet)
    left, width = sheet.width - PANEL_WIDTH + MARGIN, PANEL_WIDTH - 2 * MARGIN
    heading, text = _fonts
    draw.text((left, MARGIN), title, "black", heading)
    for row, score in enumerate(top5):
        top = MARGIN + 45 + 50 * row
        label, percentage = score["label"], f"{score['probability']:.1%}"
        while draw.textlength(label + percentage, text) > width - MARGIN:
            label = label[:-2] + "…"
        draw.text((left, top), label, "black", text)
        draw.text((left + width, top), percentage, "black", text, anchor="ra")
        draw.rectangle((left, top + 22, left + width, top + 22 + BAR), "#eeeeee")
        draw.rectangle((left, top + 22, left + round(width * score["probability"]), top + 22 + BAR), "#c0392b")
    draw.text((left, sheet.height - MARGIN), footer, "#555555", text, anchor="ls")
    return sheet


_fonts = ImageFont.load_default(20), ImageFont.load_default(15)
