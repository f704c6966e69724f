# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The picture that the network sees of a sensor, against Pillow and sums written out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firebrick.sw.camera.ov7670 import OV7670, OV7670_VGA
from firebrick.sw.camera.picture import Picture, camera_picture, rgb_bytes
from firebrick.sw.camera.sensor import Op, Sensor
from firebrick.sw.camera.sensor_model import rgb565_bytes, sensor_bytes
from firebrick.sw.camera.sensors import SENSORS, find_sensor
from firebrick.sw.data.images import read_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.evaluation.accuracy import photographs
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Shape

PLAIN = Preprocessing(224, (123.0, 117.0, 104.0))


def test_colours_are_those_of_pillow() -> None:
    words = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    data = np.stack([words >> 8, words & 255], axis=-1).astype(np.uint8).reshape(256, 512)
    # Pillow reads the low byte first, and blue from its low bits ("BGR;16").
    swapped = words.astype("<u2").tobytes()
    oracle = np.asarray(Image.frombytes("RGB", (256, 256), swapped, "raw", "BGR;16"))
    np.testing.assert_array_equal(rgb_bytes(data) >> np.array([3, 2, 3]), oracle >> np.array([3, 2, 3]))
    exact = (oracle >> np.array([3, 2, 3])) * 255 / np.array([31, 63, 31])
    assert np.abs(rgb_bytes(data) - exact).max() < 1
    assert rgb_bytes(np.array([[0, 0, 255, 255]], np.uint8)).tolist() == [[[0] * 3, [255] * 3]]


@pytest.mark.parametrize("seed", range(6))
def test_picture_is_the_rounded_mean_of_squares_in_the_middle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    factor, channels = int(2 ** rng.integers(0, 4)), int(rng.choice([1, 3]))
    height, width = (int(size) for size in rng.integers(1, 6, 2))
    rows, columns = height * factor + int(rng.integers(0, 5)), width * factor + int(rng.integers(0, 5))
    picture = Picture(rows, columns, channels, height, width, factor)
    data = rng.integers(0, 256, (rows, 2 * columns), dtype=np.uint8)
    frame = picture.compute(data)
    assert frame.shape == (channels, height, width)
    colours = rgb_bytes(data).astype(int)
    top, left = (rows - height * factor) // 2, (columns - width * factor) // 2
    for row in range(height):
        for column in range(width):
            total = [0] * channels
            for y in range(factor):
                for x in range(factor):
                    red, green, blue = colours[top + row * factor + y, left + column * factor + x]
                    grey = (77 * red + 150 * green + 29 * blue + 128) // 256
                    total = [old + new for old, new in zip(total, [grey] if channels == 1 else [red, green, blue], strict=True)]
            assert list(frame[:, row, column]) == [(2 * value + factor**2) // (2 * factor**2) for value in total]


@pytest.mark.parametrize(
    ("sensor", "shape", "factor", "top", "left"),
    [
        (OV7670, Shape(3, 224, 224), 1, 8, 48),
        (OV7670_VGA, Shape(3, 224, 224), 2, 16, 96),
        (OV7670, Shape(3, 227, 227), 1, 6, 46),
        (OV7670, Shape(1, 8, 8), 16, 56, 96),
        (OV7670, Shape(3, 32, 32), 4, 56, 96),
    ],
)
def test_the_middle_is_the_largest_that_a_power_of_two_gives(sensor: Sensor, shape: Shape, factor: int, top: int, left: int) -> None:
    picture = camera_picture(sensor, PLAIN, shape)
    assert (picture.factor, picture.top, picture.left) == (factor, top, left)


def test_networks_that_no_camera_fits_are_refused() -> None:
    with pytest.raises(FirebrickError, match="larger than the picture of ov7670, 240x320"):
        camera_picture(OV7670, PLAIN, Shape(3, 256, 256))
    with pytest.raises(FirebrickError, match="no border"):
        camera_picture(OV7670, Preprocessing(224, PLAIN.mean, (1, 1, 1, 1)), Shape(3, 226, 226))
    with pytest.raises(FirebrickError, match="3 input channels, or 1"):
        camera_picture(OV7670, PLAIN, Shape(2, 8, 8))
    with pytest.raises(FirebrickError, match="no camera named ov9999; the cameras are ov7670, ov7670-vga"):
        find_sensor("ov9999")


def test_sensor_model_cuts_off_the_lowest_bits_of_the_middle_of_an_image() -> None:
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)
    data = sensor_bytes(Image.fromarray(colours), OV7670, 240)
    np.testing.assert_array_equal(data, rgb565_bytes(colours))
    np.testing.assert_array_equal(rgb_bytes(data) & np.array([0xF8, 0xFC, 0xF8]), colours & np.array([0xF8, 0xFC, 0xF8]))
    wide = Image.new("RGB", (800, 240), "red")
    wide.paste((0, 0, 255), (240, 0, 560, 240))
    middle = rgb_bytes(sensor_bytes(wide, OV7670, 240))
    assert (middle == [0, 0, 255]).all()


@pytest.mark.parametrize("size", [(500, 375), (333, 500), (224, 224), (1000, 300)])
@pytest.mark.parametrize("resize", [224, 232])
def test_network_sees_the_same_pixels_through_a_camera_as_from_a_host_but_for_the_lowest_bits(
    size: tuple[int, int], resize: int, tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    blocks = np.random.default_rng(2).integers(0, 256, (size[1] // 20 + 1, size[0] // 20 + 1, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC).save(path)
    preprocessing, shape = Preprocessing(resize, PLAIN.mean), Shape(3, 224, 224)
    seen = photographs([path], OV7670, camera_picture(OV7670, preprocessing, shape), resize)
    mask = np.array([0xF8, 0xFC, 0xF8], np.uint8)[:, None, None]
    np.testing.assert_array_equal(seen & mask, read_images([path], preprocessing, shape) & mask)


@pytest.mark.parametrize("sensor", SENSORS.values(), ids=SENSORS)
def test_descriptions_of_sensors_are_consistent(sensor: Sensor) -> None:

    assert sensor.line > 2 * sensor.columns
    assert 29.5 < 1 / sensor.frame_seconds() < 60.5
    assert sensor.xclk_range[0] <= sensor.xclk <= sensor.xclk_range[1]
    assert [step.op for step in sensor.setup].count(Op.PRESCALE) == 1
    assert sensor.setup[-1].op == Op.PRESCALE
    assert sensor.watch[0].op == Op.EXPECT
    assert sensor.watch[-1].op == Op.WAIT
    assert all(0 <= step.value < 256 and 0 <= step.register < 256**sensor.address_bytes for step in (*sensor.setup, *sensor.watch))
    assert sensor.prescaler_for(0.0) == 1
    assert sensor.prescaler_for(sensor.frame_seconds() * 2.5) == 3
    assert sensor.prescaler_for(10.0) is None
