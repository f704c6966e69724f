# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of frames: the right type and shape pass, everything else is rejected with both shapes in the message."""

import re

import numpy as np
import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.frames import check_frame, check_frames
from firebrick.sw.network import Shape

SHAPE = Shape(3, 4, 5)


def test_check_frames_accepts_any_number_of_frames() -> None:
    for count in (0, 1, 7):
        check_frames(np.zeros((count, 3, 4, 5), np.uint8), SHAPE)
    check_frame(np.zeros((3, 4, 5), np.uint8), SHAPE)


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 3, 5, 4), (1, 1, 3, 4, 5), (1, 4, 4, 5)])
def test_check_frames_rejects_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(FirebrickError, match=re.escape(f"frames must be bytes of shape (n, 3, 4, 5), not uint8 {shape}")):
        check_frames(np.zeros(shape, np.uint8), SHAPE)


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.int64])
def test_check_frames_rejects_other_types(dtype: type[np.generic]) -> None:
    with pytest.raises(FirebrickError, match="frames must be bytes"):
        check_frames(np.zeros((1, 3, 4, 5), dtype), SHAPE)
    with pytest.raises(FirebrickError, match="a frame must be bytes"):
        check_frame(np.zeros((3, 4, 5), dtype), SHAPE)


def test_check_frame_rejects_a_batch() -> None:
    with pytest.raises(FirebrickError, match=re.escape("a frame must be bytes of shape (3, 4, 5), not uint8 (1, 3, 4, 5)")):
        check_frame(np.zeros((1, 3, 4, 5), np.uint8), SHAPE)
