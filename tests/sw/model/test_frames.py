# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of frames: the right type and shape pass, everything else is rejected with both shapes in the message."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.frames import check_frame, check_frames, image_part, mirrored, with_border
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network import Shape

SHAPE = Shape(3, 4, 5)
PLAIN = Preprocessing(8, (123.0, 117.0, 104.0))


def test_check_frames_accepts_any_number_of_frames() -> None:
    for count in (0, 1, 7):
        check_frames(np.zeros((count, 3, 4, 5), np.uint8), SHAPE, PLAIN)
    check_frame(np.zeros((3, 4, 5), np.uint8), SHAPE, PLAIN)


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 3, 5, 4), (1, 1, 3, 4, 5), (1, 4, 4, 5)])
def test_check_frames_rejects_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(FirebrickError, match=re.escape(f"frames must be bytes of shape (n, 3, 4, 5), not uint8 {shape}")):
        check_frames(np.zeros(shape, np.uint8), SHAPE, PLAIN)


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.int64])
def test_check_frames_rejects_other_types(dtype: type[np.generic]) -> None:
    with pytest.raises(FirebrickError, match="frames must be bytes"):
        check_frames(np.zeros((1, 3, 4, 5), dtype), SHAPE, PLAIN)
    with pytest.raises(FirebrickError, match="a frame must be bytes"):
        check_frame(np.zeros((3, 4, 5), dtype), SHAPE, PLAIN)


def test_check_frame_rejects_a_batch() -> None:
    with pytest.raises(FirebrickError, match=re.escape("a frame must be bytes of shape (3, 4, 5), not uint8 (1, 3, 4, 5)")):
        check_frame(np.zeros((1, 3, 4, 5), np.uint8), SHAPE, PLAIN)


BORDERED = replace(PLAIN, border=(1, 0, 1, 2), mean=(123.5, 117.2, 0.0))
"""Frames of SHAPE have images of 2x3 pixels; 123.5 becomes 124, the even byte."""


def test_with_border_puts_the_rounded_mean_around_images() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 2, 3), dtype=np.uint8)
    frame = with_border(image, BORDERED)
    expected = np.empty((3, 4, 5), np.uint8)
    expected[:] = np.array([124, 117, 0])[:, None, None]
    expected[:, 1:3, 0:3] = image
    np.testing.assert_array_equal(frame, expected)
    np.testing.assert_array_equal(with_border(image[None], BORDERED), expected[None])
    np.testing.assert_array_equal(image_part(frame, BORDERED), image)
    assert with_border(image, PLAIN) is image
    check_frame(frame, SHAPE, BORDERED)
    check_frames(frame[None], SHAPE, BORDERED)


def test_border_of_a_grey_frame_is_the_luminance_of_the_mean() -> None:
    grey = replace(BORDERED, mean=(100.0, 200.0, 50.0))
    assert with_border(np.zeros((1, 2, 3), np.uint8), grey)[0, 0, 0] == round(0.299 * 100 + 0.587 * 200 + 0.114 * 50)


def test_mirrored_frames_keep_their_border() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 2, 3), dtype=np.uint8)
    np.testing.assert_array_equal(mirrored(with_border(images, BORDERED), BORDERED), with_border(images[..., ::-1], BORDERED))


@pytest.mark.parametrize("at", [(0, 0, 0), (2, 3, 4), (1, 1, 3), (0, 1, 4)])
def test_check_frames_rejects_images_as_large_as_frames(at: tuple[int, int, int]) -> None:
    """They would otherwise be classified without their border, and a little wrong."""
    frame = with_border(np.zeros((3, 2, 3), np.uint8), BORDERED)
    frame[at] += 1
    hint = "an image with a border of 1, 0, 1, 2 pixels at top, left, bottom and right, which sw.model.frames.with_border puts around it"
    message = re.escape("the outermost pixels of a frame must be its border, of colour (124, 117, 0); a frame of this model is " + hint)
    with pytest.raises(FirebrickError, match=message):
        check_frame(frame, SHAPE, BORDERED)
    with pytest.raises(FirebrickError, match=message):
        check_frames(frame[None], SHAPE, BORDERED)


def test_check_frame_says_what_images_without_their_border_lack() -> None:
    with pytest.raises(
        FirebrickError, match=r"of shape \(3, 4, 5\), not uint8 \(3, 2, 3\); a frame of this model is an image with a border"
    ):
        check_frame(np.zeros((3, 2, 3), np.uint8), SHAPE, BORDERED)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"border": (2, 0, 2, 0)}, r"a border of \(2, 0, 2, 0\) pixels must leave some of the input for an image, 4x5x3"),
        ({"border": (0, -1, 0, 0)}, "must leave some"),
        ({"mean": (-1.0, 0.0, 0.0)}, "the mean must be a colour, 0 to 255, where images have a border of it"),
        ({"mean": (0.0, 256.0, 0.0)}, "the mean must be a colour"),
    ],
)
def test_preprocessing_rejects_impossible_borders(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        replace(BORDERED, **changes).verify(SHAPE)
    replace(PLAIN, mean=(-1.0, 300.0, 0.0)).verify(SHAPE)


def test_repr_of_preprocessing_is_as_before_where_there_is_no_border() -> None:
    """Digests of stored results hash it."""
    assert repr(PLAIN) == "Preprocessing(resize=8, mean=(123.0, 117.0, 104.0))"
    assert repr(BORDERED).endswith(", border=(1, 0, 1, 2))")
