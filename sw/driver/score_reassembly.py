# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Reassembly of a result from its SCORES packets."""

import numpy as np
from numpy.typing import NDArray

from ..link.packets import CLASS_INDEX


class ScoreAssembler:
    """The scores of one frame, assembled from packets in any order, also repeated ones.

    Parameters
    ----------
    classes: number of scores
    score_bytes: bytes of a score, least significant first
    signed: scores are in two's complement
    """

    def __init__(self, classes: int, score_bytes: int, signed: bool = False) -> None:
        self._score_bytes, self._signed = score_bytes, signed
        self._scores = np.zeros(classes, np.int64)
        self._arrived = np.zeros(classes, bool)

    def add(self, payload: bytes) -> NDArray[np.int64] | None:
        """Add the payload of a SCORES packet; returns the scores when all have arrived. A malformed payload is ignored."""
        encoded = payload[CLASS_INDEX.size :]
        if not encoded or len(encoded) % self._score_bytes:
            return None
        first: int = CLASS_INDEX.unpack_from(payload)[0]
        end = first + len(encoded) // self._score_bytes
        if end > len(self._scores):
            return None
        digits = np.frombuffer(encoded, np.uint8).reshape(-1, self._score_bytes).astype(np.int64)
        if self._signed:
            digits[:, -1] -= (digits[:, -1] & 0x80) << 1
        self._scores[first:end] = (digits << (8 * np.arange(self._score_bytes))).sum(axis=1)  # score = sum of byte b * 256^b
        self._arrived[first:end] = True
        return self._scores if self._arrived.all() else None
