# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Deep greys, missing values and empty alpha channels: scaled as the picture they show, or refused in a sentence."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firebrick.sw.data.images import read_image
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Shape

RULE, SHAPE = Preprocessing(64, (0.0, 0.0, 0.0)), Shape(3, 64, 64)
GREY = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.float64)
GREY[0, 0] = 255


def levels(path: Path) -> np.ndarray:
    frame = read_image(path, RULE, SHAPE).astype(int)
    assert (frame == frame[0]).all()
    return np.asarray(frame[0])


def saved(path: Path, samples: np.ndarray, **options: object) -> Path:
    Image.fromarray(samples).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(("value", "level"), [(np.nan, 0), (np.inf, 255), (-np.inf, 0), (3.4e38, 255), (-3.4e38, 0)])
@pytest.mark.parametrize("scale", [1, 1 / 255, 1000])
def test_missing_values_change_no_other_pixel(tmp_path: Path, value: float, level: int, scale: float) -> None:
    samples = (GREY * scale).astype(np.float32)
    expected = levels(saved(tmp_path / "plain.tif", samples))
    assert abs(expected - GREY).max() <= 1
    samples[10, 20] = value
    found = levels(saved(tmp_path / "a.tif", samples))
    assert found[10, 20] == level
    found[10, 20] = expected[10, 20]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bits", [8, 10, 12, 16, 24, 31])
def test_32_bit_integers_have_the_range_of_the_bits_that_they_use(tmp_path: Path, bits: int) -> None:
    samples = np.rint(GREY / 255 * (2**bits - 1)).astype(np.int32)
    assert abs(levels(saved(tmp_path / "a.tif", samples)) - GREY).max() <= 1


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.full((64, 64), np.nan, np.float32), "none of its values is a finite number"),
        ((GREY - 128).astype(np.float32), "its values, -128 to 127, are below zero"),
        ((GREY - 1024).astype(np.int32), "its values, -1024 to -769, are below zero"),
    ],
)
def test_values_that_are_no_brightness_are_refused(tmp_path: Path, samples: np.ndarray, problem: str) -> None:
    with pytest.raises(FirebrickError, match=rf"a\.tif: {problem}"):
        read_image(saved(tmp_path / "a.tif", samples), RULE, SHAPE)


def test_small_negative_floats_are_black(tmp_path: Path) -> None:
    samples = GREY.astype(np.float32)
    samples[3, 4] = -2.5
    assert levels(saved(tmp_path / "a.tif", samples))[3, 4] == 0


def test_12_bit_and_white_is_zero_tiffs_have_their_own_range(tmp_path: Path) -> None:
    samples = np.rint(GREY / 255 * 65535).astype(np.uint16)
    inverted = saved(tmp_path / "inverted.tif", 65535 - samples, tiffinfo={262: 0})
    assert abs(levels(inverted) - GREY).max() <= 1
    twelve = np.rint(GREY / 255 * 4095).astype(int).reshape(-1, 2)
    pairs = np.stack([twelve[:, 0] >> 4, (twelve[:, 0] & 15) << 4 | twelve[:, 1] >> 8, twelve[:, 1] & 255], 1).astype(np.uint8)
    entries = [(256, 64), (257, 64), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 64), (279, pairs.size)]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    header = struct.pack("<2sHI", b"II", 42, 8 + pairs.size)
    (tmp_path / "a.tif").write_bytes(header + pairs.tobytes() + struct.pack("<H", len(entries)) + directory + bytes(4))
    assert abs(levels(tmp_path / "a.tif") - GREY).max() <= 1


def png_16(path: Path, samples: np.ndarray, significant_bits: int | None) -> Path:
    """A PNG with 16-bit grey or RGB samples, with the chunk sBIT."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    colours = samples.shape[2] if samples.ndim == 3 else 1
    rows = samples.astype(">u2").reshape(len(samples), -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", samples.shape[1], len(samples), 16, 0 if colours == 1 else 2, 0, 0, 0)
    bits = b"" if significant_bits is None else chunk(b"sBIT", bytes([significant_bits] * colours))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + bits + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_significant_bits_of_a_png_say_its_range_where_samples_are_not_scaled(tmp_path: Path, bits: int) -> None:
    samples = np.rint(GREY / 255 * (2**bits - 1)).astype(np.uint16)
    assert abs(levels(png_16(tmp_path / "low.png", samples, bits)) - GREY).max() <= 1
    scaled = samples << (16 - bits) | samples >> max(0, 2 * bits - 16)
    expected = levels(png_16(tmp_path / "plain.png", scaled, None))
    np.testing.assert_array_equal(levels(png_16(tmp_path / "high.png", scaled, bits)), expected)
    dark = samples >> 6 << (16 - bits)  # as small as if it were not scaled, but multiples of a step
    expected = levels(png_16(tmp_path / "plain.png", dark, None))
    np.testing.assert_array_equal(levels(png_16(tmp_path / "dark.png", dark, bits)), expected)


def test_colour_samples_that_are_not_scaled_are_refused(tmp_path: Path) -> None:
    samples = np.repeat(np.rint(GREY / 255 * 4095).astype(np.uint16)[:, :, None], 3, 2)
    with pytest.raises(FirebrickError, match="its 12-bit samples are not scaled to 16 bits; save it with 8 bits per sample"):
        read_image(png_16(tmp_path / "a.png", samples, 12), RULE, SHAPE)
    assert abs(levels(png_16(tmp_path / "b.png", samples << 4, 12)) - GREY).max() <= 1


def test_16_bit_image_that_uses_few_bits_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    levels(saved(tmp_path / "a.png", (GREY * 257).astype(np.uint16)))
    assert not caplog.messages
    levels(saved(tmp_path / "a.png", (GREY * 16).astype(np.uint16)))
    assert "a.png is nearly black: its 16-bit samples are at most 4080 of 65535" in caplog.text


def bmp_with_alpha(path: Path, pixels: np.ndarray) -> Path:
    """A BMP of version 4 whose pixels are B, G, R, A."""
    height, width = pixels.shape[:2]
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, pixels.size, 2835, 2835, 0, 0) + masks + b" niW" + bytes(48)
    path.write_bytes(struct.pack("<2sIHHI", b"BM", 122 + pixels.size, 0, 0, 122) + header + pixels[::-1].tobytes())
    return path


def test_bitmap_whose_alpha_is_zero_everywhere_is_opaque(tmp_path: Path) -> None:
    pixels = np.dstack([GREY, GREY, GREY, np.zeros_like(GREY)]).astype(np.uint8)
    np.testing.assert_array_equal(levels(bmp_with_alpha(tmp_path / "a.bmp", pixels)), GREY)
    pixels[0, 0, 3] = 255
    found = levels(bmp_with_alpha(tmp_path / "b.bmp", pixels))
    assert found[0, 0] == GREY[0, 0]
    assert (found.reshape(-1)[1:] == 255).all()
