# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Image files in front of a camera."""

from pathlib import Path

from ..camera.picture import Bytes, Picture
from ..camera.sensor import Sensor
from ..camera.sensor_model import sensor_bytes
from .images import use_image


def sensor_image(path: Path, sensor: Sensor, picture: Picture, resize: int) -> Bytes:
    """What a sensor sends of an image file, bytes of (rows, 2 * columns), see `sensor_bytes`.

    The camera is where the network, through ``picture``, sees as much of an image as of one from a host, whose short side is scaled to
    ``resize`` pixels. Raises FirebrickError as `use_image` does.
    """
    draft = 2 * max(sensor.rows, sensor.columns)
    return sensor_bytes(use_image(path, draft, lambda image: image.resized(image.size)), sensor, picture.factor * resize)
