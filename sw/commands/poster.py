# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A picture with its five likeliest classes beside it."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..classify import Guess

HEIGHT = 360
PANEL = 400
MARGIN = 20
BAR = 12


def poster(photograph: Path, title: str, top5: list[Guess], footer: str) -> bytes:
    """A PNG: the photograph, and beside it a title, a bar for each class and a footer."""
    with Image.open(photograph) as file:
        picture = ImageOps.contain(file.convert("RGB"), (16 * HEIGHT // 9, HEIGHT))
    sheet = Image.new("RGB", (picture.width + PANEL, max(HEIGHT, picture.height)), "white")
    sheet.paste(picture, (0, (sheet.height - picture.height) // 2))
    draw = ImageDraw.Draw(sheet)
    left, width = picture.width + MARGIN, PANEL - 2 * MARGIN
    heading, text = ImageFont.load_default(20), ImageFont.load_default(15)
    draw.text((left, MARGIN), title, "black", heading)
    for row, guess in enumerate(top5):
        top = MARGIN + 45 + 50 * row
        label, share = guess["label"], f"{guess['probability']:.1%}"
        while draw.textlength(label + share, text) > width - MARGIN:
            label = label[:-2] + "…"
        draw.text((left, top), label, "black", text)
        draw.text((left + width, top), share, "black", text, anchor="ra")
        draw.rectangle((left, top + 22, left + width, top + 22 + BAR), "#eeeeee")
        draw.rectangle((left, top + 22, left + round(width * guess["probability"]), top + 22 + BAR), "#c0392b")
    draw.text((left, sheet.height - MARGIN), footer, "#555555", text, anchor="ls")
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()
