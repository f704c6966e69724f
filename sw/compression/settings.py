# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What to compress to, whatever the network."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import FirebrickError


@dataclass(frozen=True)
class CompressionSettings:
    """The parameters of a compression."""

    bits: int = 6
    """Width of a codebook index, 4 to 8; at 8, with all other settings at their defaults, a published codebook is kept."""
    density: float | Mapping[str, float] | None = None
    """Maximum fraction of a layer's weights to keep, above 0 to 1: of all layers but the first, or by layer name; None for no limit."""
    rate_lambda: float = 1.0
    """Lagrange multiplier of a stored bit, relative to the default; a higher one gives a smaller file with fewer weights."""
    cycle_lambda: float = 0.0
    """Bits that a weight costs for its multiplications, if they are as many per frame as the average weight's; others in proportion."""
    compact: bool = False
    """Centroids and biases have fewer bits, which saves logic in hardware at hardly any cost in accuracy."""

    def __repr__(self) -> str:
        """The text that is hashed into checkpoints and result stores. It keeps its form, so that older ones stay valid."""
        return (
            f"Settings(bits={self.bits!r}, density={self.density!r}, price={self.rate_lambda!r}, "
            f"cycle_price={self.cycle_lambda!r}, lean={self.compact!r})"
        )

    def verify(self) -> None:
        """Raise FirebrickError unless every setting is in its range; messages name the options of `firebrick compress`."""
        if not 4 <= self.bits <= 8:
            raise FirebrickError(f"bits must be 4 to 8, not {self.bits}")
        for density in self.density.values() if isinstance(self.density, Mapping) else [self.density]:
            if density is not None and not 0 < density <= 1:
                raise FirebrickError(f"density must be above 0 and at most 1, not {density}")
        for option, multiplier in (("price", self.rate_lambda), ("cycle-price", self.cycle_lambda)):
            if not 0 <= multiplier < 1e6:
                raise FirebrickError(f"{option} must be 0 to 1,000,000, not {multiplier}")
