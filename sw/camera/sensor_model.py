# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a sensor would send of a photograph: its pixels, without lens, noise and exposure."""

import numpy as np
from PIL import Image

from .picture import Bytes
from .sensor import Sensor


def sensor_bytes(image: Image.Image, sensor: Sensor) -> Bytes:
    """The bytes that a sensor in RGB565 sends of an RGB image, (rows, 2 * columns).

    The image's middle fills the frame, scaled with antialiasing (bicubic). Of each colour the lowest bits are cut off, as the sensor does.
    """
    scale = max(sensor.columns / image.width, sensor.rows / image.height)
    width, height = sensor.columns / scale, sensor.rows / scale
    left, top = (image.width - width) / 2, (image.height - height) / 2
    box = (max(0.0, left), max(0.0, top), min(image.width, left + width), min(image.height, top + height))
    scaled = image.convert("RGB").resize((sensor.columns, sensor.rows), Image.Resampling.BICUBIC, box=box)
    return rgb565_bytes(np.asarray(scaled, dtype=np.uint8))


def rgb565_bytes(colours: Bytes) -> Bytes:
    """The bytes of colours, (rows, columns, 3) to (rows, 2 * columns), with the lowest bits cut off."""
    red, green, blue = (colours[..., channel] for channel in range(3))
    first = (red & 0xF8) | (green >> 5)
    second = (green << 3 & 0xE0) | (blue >> 3)
    return np.stack([first, second], axis=-1).reshape(len(colours), -1).astype(np.uint8)
