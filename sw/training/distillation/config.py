# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The configuration of a distillation; in a file of its own, as the training loop needs PyTorch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DistillationConfig:
    """How to distil: number of steps, seed, learning rate and the weights of the loss terms."""

    steps: int
    seed: int = 0
    learning_rate: float = 2e-3
    """Maximum step of a weight, as a fraction of the root mean square of its layer's weights."""
    feature_map_weight: float = 0.5
    """Weight of the relative squared error of the feature maps; the KL divergence of the scores has weight 1."""
    label_weight: float = 0.3
    """Weight of the cross-entropy with the labels, for labelled images."""
    dense_phase: bool = False
    """Lift the pruning mask for the middle third of the steps, then prune again: dense-sparse-dense (arXiv:1607.04381), ending sparse."""

    def as_checkpoint_key(self) -> dict[str, object]:
        """What is hashed into a checkpoint's task. Keys and their order stay as they are, so that older checkpoints stay valid."""
        return {
            "steps": self.steps,
            "seed": self.seed,
            "rate": self.learning_rate,
            "maps": self.feature_map_weight,
            "labels": self.label_weight,
            "dense": self.dense_phase,
        }
