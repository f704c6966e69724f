# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How to train on labelled pictures; apart from the training, as that needs PyTorch."""

from dataclasses import dataclass

from ...errors import FirebrickError

EPOCHS = 68
"""What the published 170,000 batches of 512 come to on ImageNet's 1,281,167 pictures."""


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are those of the published solver (SqueezeNet v1.0, solver.prototxt and train_val.prototxt)."""

    steps: int
    """At least 1."""
    batch: int = 512
    """Pictures of a step, each at most once; at least 1."""
    rate: float = 0.04
    """Learning rate of the first step; it falls in a straight line to 0 at the last (arXiv:1602.07360, Section 4)."""
    momentum: float = 0.9
    decay: float = 2e-4
    """Weight decay."""
    dropout: float = 0.5
    """Share of the last Fire module's outputs that are left out, 0 or above, below 1."""
    mirror: bool = True
    """Show half of the pictures mirrored."""
    seed: int = 0
    """Of the first weights, the order of the pictures, their crops and the dropout."""

    def verify(self) -> None:
        """Raise FirebrickError unless every number is in its range."""
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise FirebrickError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.rate < 1e6:
            raise FirebrickError(f"rate must be above 0, not {self.rate}")
        for name in ("momentum", "decay", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise FirebrickError(f"{name} must be 0 or above and below 1, not {getattr(self, name)}")
