# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Feature maps and pictures as the payloads of streams, each payload as one integer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..sw.spec import AverageSpec
from ..sw.strips import Strips


def stream_words(maps: NDArray[np.uint8], strips: Strips, order: Sequence[int]) -> list[int]:
    """The words of feature maps, (frames, channels, rows, columns), in stream order; ``order`` is that of the stream's channels."""
    words = [strips.pack(frame[list(order), row]).reshape(-1, strips.lanes) for frame in maps for row in range(maps.shape[2])]
    return [int.from_bytes(word.tobytes(), "little") for word in np.concatenate(words)]


def raster_bytes(frames: NDArray[np.uint8]) -> list[int]:
    """The bytes of pictures, (frames, channels, rows, columns), in the accelerator's input order."""
    return [int(byte) for byte in frames.transpose(0, 2, 3, 1).reshape(-1)]


def score_words(scores: NDArray[np.int64], spec: AverageSpec) -> list[int]:
    """The payloads of scores, (frames, classes): the score, and above it a bit that is set in a frame's last."""
    return [int(score) | (place == len(frame) - 1) << spec.score_bits for frame in scores for place, score in enumerate(frame)]
