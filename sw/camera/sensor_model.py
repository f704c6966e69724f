# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a sensor would send of a photograph: its pixels, without lens, noise and exposure."""

import numpy as np
from PIL import Image

from .picture import Bytes
from .sensor import Sensor


def sensor_bytes(image: Image.Image, sensor: Sensor, short_side: int) -> Bytes:
    """The bytes that a sensor in RGB565 sends of an RGB image in the middle of its frame, (rows, 2 * columns).

    The camera is so far from the image that its short side takes ``short_side`` pixels of the sensor (bicubic, antialiased); around it is
    black. Of each colour the lowest bits are cut off, as the sensor does.
    """
    scale = short_side / min(image.size)
    size = round(image.width * scale), round(image.height * scale)
    scaled = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    frame = Image.new("RGB", (sensor.columns, sensor.rows))
    frame.paste(scaled, (-((scaled.width - frame.width) // 2), -((scaled.height - frame.height) // 2)))
    return rgb565_bytes(np.asarray(frame, dtype=np.uint8))


def rgb565_bytes(colours: Bytes) -> Bytes:
    """The bytes of colours, (rows, columns, 3) to (rows, 2 * columns), with the lowest bits cut off."""
    red, green, blue = (colours[..., channel] for channel in range(3))
    first = (red & 0xF8) | (green >> 5)
    second = (green << 3 & 0xE0) | (blue >> 3)
    return np.stack([first, second], axis=-1).reshape(len(colours), -1).astype(np.uint8)
