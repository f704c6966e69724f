# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Scaling by bands gives the same pixels as Pillow's scaling of a whole copy, for all modes, orientations and sizes."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from firebrick.sw.data import rgb_conversion, upright_image
from firebrick.sw.data.images import use_image

SUFFIXES = {
    "1": ["tif", "png"],
    "L": ["tif", "png"],
    "LA": ["png"],
    "P": ["tif", "png"],
    "RGB": ["tif", "png"],
    "RGBA": ["tif", "png"],
    "CMYK": ["tif"],
    "I;16": ["tif", "png"],
    "F": ["tif"],
}
MODES = list(SUFFIXES)


def random_image(rng: np.random.Generator, mode: str, width: int, height: int) -> Image.Image:
    if mode in ("I;16", "F"):
        return Image.fromarray(rng.integers(0, 65536, (height, width)).astype({"I;16": np.uint16, "F": np.float32}[mode]))
    return Image.fromarray(rng.integers(0, 256, (height, width, 4), dtype=np.uint8), "RGBA").convert(mode)


def whole_copy(path: Path) -> Image.Image:
    """The image as upright RGB at full size, by Pillow's own functions."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode in ("I;16", "F"):
        grey = np.asarray(image, np.float64)
        image = Image.fromarray((grey * (255 / (65535 if image.mode == "I;16" else grey.max()))).astype(np.uint8))
    if image.mode in ("LA", "RGBA") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def opened(path: Path, *sizes: tuple[int, int]) -> list[Image.Image]:
    return use_image(path, 1, lambda image: [image.resized(size) for size in (image.size, *sizes)])


@pytest.mark.parametrize("mode", MODES)
def test_resized_equals_a_resized_copy(tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(MODES.index(mode))
    for orientation, suffix in itertools.product(range(1, 9), SUFFIXES[mode]):
        path = tmp_path / f"a.{suffix}"
        monkeypatch.setattr(upright_image, "_BAND_PIXELS", int(rng.integers(1, 5000)))
        monkeypatch.setattr(rgb_conversion, "_PART_PIXELS", int(rng.integers(1, 5000)))
        exif = Image.Exif()
        exif[0x0112] = orientation
        random_image(rng, mode, *(int(side) for side in rng.integers(1, 120, 2))).save(path, exif=exif)
        expected, size = whole_copy(path), (int(rng.integers(1, 150)), int(rng.integers(1, 150)))
        found, resized = opened(path, size)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(resized, expected.resize(size, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("seed", range(10))
def test_very_large_image_is_the_same_but_for_rounding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = random_image(rng, "RGB", *(int(side) for side in rng.integers(200, 400, 2)))
    exif = Image.Exif()
    exif[0x0112] = int(rng.integers(1, 9))
    noise.save(tmp_path / "a.png", exif=exif)
    size = round(noise.width / 4), round(noise.height / 4)
    whole = opened(tmp_path / "a.png", size)
    monkeypatch.setattr(upright_image, "WHOLE_PIXELS", 0)
    monkeypatch.setattr(upright_image, "_BAND_PIXELS", 1000)
    for found, expected in zip(opened(tmp_path / "a.png", size), whole, strict=True):
        assert abs(np.asarray(found, int) - np.asarray(expected, int)).max() <= 1
