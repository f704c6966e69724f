# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Images: every mode and orientation becomes upright RGB of the right size; other files are rejected in one sentence."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from firebrick.sw.data.image_folders import images_in
from firebrick.sw.data.images import read_image, read_images, to_input_frame
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Shape

RULE = Preprocessing(64, (0.0, 0.0, 0.0))
SHAPE = Shape(3, 48, 56)


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_image_of_the_right_size_is_only_cropped(tmp_path: Path) -> None:
    pixels = noise(80, 64)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", RULE, SHAPE), pixels[8:56, 12:68].transpose(2, 0, 1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    upright = Image.fromarray(noise(64, 64))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", RULE, SHAPE), to_input_frame(upright, RULE, SHAPE))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_image_of_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    grey = np.repeat(np.repeat(np.array([[0, 255], [255, 0]], np.uint8), 32, 0), 32, 1)
    if mode in ("I", "I;16"):
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32))
    else:
        image = Image.fromarray(grey).convert(mode)
    path = tmp_path / "a.tif"
    image.save(path)
    frame = read_image(path, RULE, SHAPE)
    assert frame.shape == (3, 48, 56)
    assert frame.dtype == np.uint8
    assert (frame[:, 0, 0] < 8).all()
    assert (frame[:, 0, -1] > 247).all()


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (10, 20, 30, 0)).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", RULE, SHAPE) == 255).all()


def test_scaling_down_does_not_alias() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    frame = to_input_frame(Image.fromarray(stripes), RULE, SHAPE)
    assert abs(frame.astype(int) - 127).max() < 8


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300))
def test_input_frame_gives_the_shape_for_any_size(width: int, height: int) -> None:
    image = Image.new("RGB", (width, height), (1, 2, 3))
    if max(width, height) > 50 * min(width, height):
        with pytest.raises(FirebrickError, match="too narrow"):
            to_input_frame(image, RULE, SHAPE)
    else:
        frame = to_input_frame(image, RULE, SHAPE)
        assert frame.shape == (3, 48, 56)
        assert (frame == np.array([1, 2, 3]).reshape(3, 1, 1)).all()


def test_grey_network_gets_the_luminance() -> None:
    image = Image.new("RGB", (64, 64), (200, 100, 50))
    frame = to_input_frame(image, RULE, Shape(1, 48, 56))
    assert frame.shape == (1, 48, 56)
    assert (frame == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)).all()
    assert Preprocessing(64, (200.0, 100.0, 50.0)).means(1) == pytest.approx((124.2,))


def test_input_frame_rejects_a_crop_larger_than_the_image_and_odd_networks() -> None:
    image = Image.new("RGB", (64, 64))
    with pytest.raises(FirebrickError, match="cannot give 65x10"):
        to_input_frame(image, RULE, Shape(3, 65, 10))
    with pytest.raises(FirebrickError, match="3 input channels, or 1 for grey, not 2"):
        to_input_frame(image, RULE, Shape(2, 10, 10))


def test_large_jpeg_is_nearly_the_same_as_scaled_from_full_size(tmp_path: Path) -> None:
    smooth = Image.fromarray(noise(8, 8)).resize((2000, 2000), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=95)
    frame = read_image(tmp_path / "a.jpg", RULE, SHAPE)
    assert abs(frame.astype(int) - to_input_frame(smooth, RULE, SHAPE)).mean() < 3


def bomb(path: Path, side: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [10_001, 100_000])
def test_image_rejects_a_decompression_bomb(tmp_path: Path, side: int) -> None:
    bomb(tmp_path / "a.png", side)
    with pytest.raises(FirebrickError, match="100 megapixels"):
        read_image(tmp_path / "a.png", RULE, SHAPE)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(40), b"just text", b"\xff\xd8\xff\xe0" + bytes(100)])
def test_image_rejects_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(FirebrickError, match="cannot be read as an image"):
        read_image(path, RULE, SHAPE)


def test_image_rejects_a_truncated_file_a_missing_one_and_a_folder(tmp_path: Path) -> None:
    Image.fromarray(noise(100, 100)).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    for name, sentence in (("a.jpg", "cannot be read as an image"), ("b.jpg", "does not exist"), ("", "cannot be read as an image")):
        with pytest.raises(FirebrickError, match=sentence):
            read_image(tmp_path / name, RULE, SHAPE)


def test_images_in_a_folder_are_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["a.JPG", "b.png"]
    with pytest.raises(FirebrickError, match="is not a folder"):
        images_in(tmp_path / "c.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FirebrickError, match="holds no images"):
        images_in(tmp_path / "empty")


def test_read_images_rejects_no_images() -> None:
    with pytest.raises(FirebrickError, match="no images were given"):
        read_images([], RULE, SHAPE)


DAMAGED = ["jpg", "png", "gif", "webp", "avif", "tif", "bmp", "ppm", "jp2", "pfm"]


@pytest.mark.parametrize("suffix", DAMAGED)
def test_damaged_file_of_any_format_is_read_or_refused_by_name(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(DAMAGED.index(suffix))
    mode = "F" if suffix == "pfm" else "P" if suffix == "gif" else "RGB"
    options = {"compression": "tiff_lzw"} if suffix == "tif" else {}
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"a.{suffix}"
    Image.fromarray(noise(64, 64)).convert(mode).save(whole, **options)
    read_image(whole, RULE, SHAPE)
    data = whole.read_bytes()
    for _ in range(25):
        damaged = bytearray(data)
        for offset in rng.integers(0, min(len(data), 400) if rng.random() < 0.7 else len(data), rng.integers(1, 9)):
            damaged[offset] = int(rng.integers(256))
        path.write_bytes(damaged[: rng.integers(1, len(data))] if rng.random() < 0.3 else damaged)
        try:
            frame = read_image(path, RULE, SHAPE)
        except FirebrickError as problem:
            message = str(problem)
        else:
            assert frame.shape == (3, 48, 56)
            message = str(path)
        assert str(path) in message
        assert "\n" not in message


BORDERED = Preprocessing(64, (123.675, 116.28, 103.53), (1, 2, 3, 4))


def test_image_fills_the_frame_but_for_the_border(tmp_path: Path) -> None:
    pixels = noise(80, 64)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    frame = read_image(tmp_path / "a.png", BORDERED, SHAPE)
    assert (frame.shape, frame.flags.c_contiguous) == ((3, 48, 56), True)
    np.testing.assert_array_equal(frame[:, 1:45, 2:52], pixels[10:54, 15:65].transpose(2, 0, 1))
    frame[:, 1:45, 2:52] = np.array([124, 116, 104])[:, None, None]
    assert (frame == np.array([124, 116, 104])[:, None, None]).all()


def test_image_as_large_as_a_frame_is_an_image(tmp_path: Path) -> None:
    """It is scaled and gets its border like every other; its own pixels are not taken for a border."""
    pixels = noise(56, 48)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    frame = read_image(tmp_path / "a.png", BORDERED, SHAPE)
    expected = Image.fromarray(pixels).resize((75, 64), Image.Resampling.BICUBIC).crop((12, 10, 62, 54))
    np.testing.assert_array_equal(frame[:, 1:45, 2:52], np.asarray(expected).transpose(2, 0, 1))
    assert (frame[:, 0] == np.array([124, 116, 104])[:, None]).all()


def test_border_needs_no_larger_images() -> None:
    exact = Preprocessing(50, BORDERED.mean, BORDERED.border)
    assert to_input_frame(Image.new("RGB", (50, 50)), exact, SHAPE).shape == (3, 48, 56)
    with pytest.raises(FirebrickError, match="images of short side 50 cannot give 48x56"):
        to_input_frame(Image.new("RGB", (50, 50)), Preprocessing(50, BORDERED.mean), SHAPE)
    with pytest.raises(FirebrickError, match="images of short side 49 cannot give 44x50"):
        to_input_frame(Image.new("RGB", (50, 44)), Preprocessing(49, BORDERED.mean, BORDERED.border), SHAPE)
