# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A result, put together from its packets."""

import numpy as np
from numpy.typing import NDArray

from ..link.packets import CLASS_INDEX


class ScoreAssembler:
    """The scores of one frame, as far as they have come.

    Parameters
    ----------
    classes: scores in all
    score_bytes: of each, least significant first
    """

    def __init__(self, classes: int, score_bytes: int) -> None:
        self._size = score_bytes
        self._scores = np.zeros(classes, np.int64)
        self._there = np.zeros(classes, bool)

    def add(self, payload: bytes) -> NDArray[np.int64] | None:
        """Take the payload of a SCORES packet; the scores when all are there. What cannot be one is dropped."""
        scores = payload[CLASS_INDEX.size :]
        if not scores or len(scores) % self._size:
            return None
        first: int = CLASS_INDEX.unpack_from(payload)[0]
        last = first + len(scores) // self._size
        if last > len(self._scores):
            return None
        digits = np.frombuffer(scores, np.uint8).reshape(-1, self._size).astype(np.int64)
        self._scores[first:last] = (digits << (8 * np.arange(self._size))).sum(axis=1)
        self._there[first:last] = True
        return self._scores if self._there.all() else None
