# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the screen of docs/display.md, as the hardware sends it: ``python scripts/display_picture.py [PHOTOGRAPH]``.

The photograph, a cat of scikit-image unless another is named, goes through the model of the sensor, the crop and scale of the hardware, the
golden model and the probabilities in integers; so the screen shows to the pixel what a board would.
"""

import sys
from pathlib import Path

from PIL import Image

from firebrick.sw import golden
from firebrick.sw.camera.picture import camera_picture
from firebrick.sw.camera.sensors import find_sensor
from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.display.probabilities import IntegerSoftmax
from firebrick.sw.display.render import render
from firebrick.sw.display.settings import display_settings
from firebrick.sw.display.state import ScreenState, Status
from firebrick.sw.evaluation import accuracy
from firebrick.sw.zoo.catalogue import load

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "display.png"
PHOTOGRAPH = "chelsea.png"
MODEL = "squeezenet1_1_small"
CYCLES, CLOCK = 1_018_820, 50e6
"""Of a frame by the plan for a ULX3S 85F with camera and screen, and in a second; the time of a frame is taken to be that."""


def main(photograph: Path) -> None:
    """Draw the screen of a photograph."""
    model, sensor = load(MODEL), find_sensor("ov7670")
    picture = camera_picture(sensor, model.preprocessing, model.network.input)
    scores = golden.run(model, accuracy.photographs([photograph], sensor, picture))[0]
    shares = IntegerSoftmax(model.score_scale).shares(scores)
    rate = int(min(1 / sensor.frame_seconds(), CLOCK / CYCLES))
    state = ScreenState(shares, frames_per_second=rate, tenths_ms=int(1e4 * CYCLES / CLOCK), dropped=0, status=Status.LIVE)
    Image.fromarray(render(state, display_settings(model))).quantize(8).save(PICTURE, optimize=True)


if __name__ == "__main__":
    named = [Path(name) for name in sys.argv[1:2]]
    main(named[0] if named else next(path for path in photographs() if path.name == PHOTOGRAPH))
