# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pictures and the scores that the golden model gives them, as files for benches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class GoldenVectors:
    """Pictures with their expected scores."""

    names: Sequence[str]
    """Where each picture comes from."""
    frames: NDArray[np.uint8]
    """Shape (n, channels, rows, columns)."""
    scores: NDArray[np.int64]
    """Raw scores, shape (n, classes)."""

    def pixel_file(self) -> str:
        """The bytes of all pictures as the core takes them, for $readmemh: one a line, in channels-last order."""
        return "".join(f"{byte:02x}\n" for byte in self.frames.transpose(0, 2, 3, 1).reshape(-1))

    def score_file(self, bits: int) -> str:
        """The scores of all pictures, for $readmemh: one a line, in two's complement of ``bits`` bits."""
        return "".join(f"{int(score) % (1 << bits):0{bits // 4}x}\n" for score in self.scores.reshape(-1))

    def best(self) -> list[tuple[str, int]]:
        """The name of each picture, and its class with the highest score."""
        return [(name, int(scores.argmax())) for name, scores in zip(self.names, self.scores, strict=True)]
