# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The picture that the network sees of a sensor's pixels, in integers: the specification of ``hw/camera``."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.quantized import Preprocessing
from ..network.graph import Shape
from .sensor import Sensor

Bytes = NDArray[np.uint8]
LUMINANCE_WEIGHTS = (77, 150, 29)
"""Of R, G and B in the luminance, in 256ths: 0.299, 0.587 and 0.114 (ITU-R BT.601) rounded, so that they add up to 256."""


@dataclass(frozen=True)
class Picture:
    """The middle of a sensor's frame, in colour or grey bytes.

    Each pixel of the picture is made from a square of ``factor * factor`` sensor pixels, and the picture from the middle of the frame:

    1. RGB565 to bytes: the highest bits of a colour are repeated below its lowest, so that 0 becomes 0 and full becomes 255.
    2. For a network of one channel, the luminance: (77 R + 150 G + 29 B + 128) >> 8.
    3. The mean of a square, rounded to the nearest, halves up: (sum + n / 2) >> log2(n), with n = factor * factor.

    The first row and column of the middle are (rows - factor * height) // 2 and (columns - factor * width) // 2.
    """

    sensor_rows: int
    sensor_columns: int
    channels: int
    """3 for R, G and B, or 1 for the luminance."""
    height: int
    width: int
    factor: int
    """1, 2, 4 ...: a power of two."""

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, not {self.channels}")
        if self.factor < 1 or self.factor & (self.factor - 1):
            raise ValueError(f"factor must be a power of two, not {self.factor}")
        if min(self.height, self.width) < 1 or self.top < 0 or self.left < 0:
            raise ValueError(f"{self.factor} times {self.width}x{self.height} must fit into {self.sensor_columns}x{self.sensor_rows}")

    @property
    def top(self) -> int:
        """The first sensor row of the middle."""
        return (self.sensor_rows - self.factor * self.height) // 2

    @property
    def left(self) -> int:
        """The first sensor column of the middle."""
        return (self.sensor_columns - self.factor * self.width) // 2

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame for the network."""
        return self.channels * self.height * self.width

    def compute(self, data: Bytes) -> Bytes:
        """The frame for the network, (channels, rows, columns), of a sensor's bytes, (sensor rows, 2 * sensor columns)."""
        if data.dtype != np.uint8 or data.shape != (self.sensor_rows, 2 * self.sensor_columns):
            raise ValueError(f"data must be bytes of shape {(self.sensor_rows, 2 * self.sensor_columns)}, not {data.dtype} {data.shape}")
        colours = rgb_bytes(data).astype(np.uint32)
        if self.channels == 1:
            colours = (colours @ np.array(LUMINANCE_WEIGHTS, np.uint32)[:, None] + np.uint32(128)) >> np.uint32(8)
        bottom, right = self.top + self.factor * self.height, self.left + self.factor * self.width
        middle = colours[self.top : bottom, self.left : right]
        squares = middle.reshape(self.height, self.factor, self.width, self.factor, self.channels).sum(axis=(1, 3))
        count = self.factor**2
        mean = (squares + count // 2) >> (count.bit_length() - 1)
        return np.ascontiguousarray(mean.transpose(2, 0, 1).astype(np.uint8))


def rgb_bytes(data: Bytes) -> Bytes:
    """R, G and B of RGB565 pixels: (rows, 2 * columns) to (rows, columns, 3)."""
    first, second = data[:, 0::2].astype(np.uint16), data[:, 1::2].astype(np.uint16)
    red, green, blue = first >> 3, (first & 7) << 3 | second >> 5, second & 31
    return np.stack([red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], axis=-1).astype(np.uint8)


def camera_picture(sensor: Sensor, preprocessing: Preprocessing, shape: Shape) -> Picture:
    """What a network with inputs of this shape sees of a sensor: squares as large as fit, of a power of two.

    Raises FirebrickError where the sensor has too few pixels, and for networks whose input has a border or neither 1 nor 3 channels.
    """
    if preprocessing.has_border:
        raise FirebrickError("a camera makes no border round its picture; use a model whose input has none")
    if shape.channels not in (1, 3):
        raise FirebrickError(f"a camera needs a network with 3 input channels, or 1 for grey, not {shape.channels}")
    largest = min(sensor.rows // shape.height, sensor.columns // shape.width)
    if largest < 1:
        raise FirebrickError(
            f"the network's input, {shape}, is larger than the picture of {sensor.name}, {sensor.rows}x{sensor.columns}; "
            "use a larger sensor format or a smaller network"
        )
    return Picture(sensor.rows, sensor.columns, shape.channels, shape.height, shape.width, 1 << (largest.bit_length() - 1))
