# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The configuration of supervised training; in a file of its own, as the training loop needs PyTorch."""

from dataclasses import dataclass

from ...errors import FirebrickError

EPOCHS = 68
"""The published schedule of 170,000 batches of 512 images, in passes over ImageNet's 1,281,167 training images."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; the defaults are those of the published solver (SqueezeNet v1.0, solver.prototxt and train_val.prototxt)."""

    steps: int
    """At least 1."""
    batch_size: int = 512
    """Images per step, each at most once; at least 1."""
    learning_rate: float = 0.04
    """Initial learning rate; it decays linearly to 0 at the last step (arXiv:1602.07360, Section 4)."""
    momentum: float = 0.9
    weight_decay: float = 2e-4
    dropout: float = 0.5
    """Fraction of the last Fire module's outputs to drop, 0 or above, below 1."""
    mirror: bool = True
    """Mirror half of the images at random."""
    seed: int = 0
    """Seed of the initial weights, the order of the images, their crops and the dropout."""

    def verify(self) -> None:
        """Raise FirebrickError unless every number is in its range; messages name the options of `firebrick train`."""
        for option, count in (("steps", self.steps), ("batch", self.batch_size)):
            if count < 1:
                raise FirebrickError(f"{option} must be at least 1, not {count}")
        if not 0 < self.learning_rate < 1e6:
            raise FirebrickError(f"rate must be above 0, not {self.learning_rate}")
        for option, fraction in (("momentum", self.momentum), ("decay", self.weight_decay), ("dropout", self.dropout)):
            if not 0 <= fraction < 1:
                raise FirebrickError(f"{option} must be 0 or above and below 1, not {fraction}")

    def as_checkpoint_key(self) -> dict[str, object]:
        """What is hashed into a checkpoint's task. Keys and their order stay as they are, so that older checkpoints stay valid."""
        return {
            "steps": self.steps,
            "batch": self.batch_size,
            "rate": self.learning_rate,
            "momentum": self.momentum,
            "decay": self.weight_decay,
            "dropout": self.dropout,
            "mirror": self.mirror,
            "seed": self.seed,
        }
