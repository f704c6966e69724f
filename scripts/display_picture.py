# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the screen of docs/display.md, as the hardware sends it: ``python scripts/display_picture.py``."""

from pathlib import Path

from PIL import Image

from firebrick.sw.display.probabilities import ClassShare
from firebrick.sw.display.render import render
from firebrick.sw.display.settings import display_settings
from firebrick.sw.display.state import ScreenState, Status
from firebrick.sw.zoo.catalogue import load

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "display.png"
CLASSES = ((285, 691), (281, 187), (282, 94), (287, 11), (904, 3))
"""What SqueezeNet may say of a cat: classes and tenths of a percent."""

if __name__ == "__main__":
    classes = tuple(ClassShare(index, tenths) for index, tenths in CLASSES)
    state = ScreenState(classes, frames_per_second=30, tenths_ms=284, dropped=0, status=Status.LIVE)
    Image.fromarray(render(state, display_settings(load("squeezenet1_1")))).quantize(8).save(PICTURE, optimize=True)
