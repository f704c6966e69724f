# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The configurations of distillations; in a file of its own, as the training loops need PyTorch."""

from dataclasses import dataclass

from ...errors import FirebrickError

STARTS = ("lossless", "target")
"""What training starts from: a nearly lossless model, which is pruned as it learns, or the one that rate control finds for the limits."""
BALANCES = ("class", "folder", "none")
"""By what pictures are counted, so that few of a kind are shown more often: the teachers' class, their folder, or nothing."""


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


@dataclass(frozen=True)
class GradualConfig:
    """How to distil on a folder of pictures: gradually, from a nearly lossless model to the target (`gradual_loop.py`).

    Its repr is hashed into checkpoints.
    """

    steps: int
    seed: int = 0
    batch: int = 32
    """Views a step."""
    learning_rate: float = 2e-3
    """Maximum step of a weight, as a fraction of the root mean square of its layer's weights; it falls to 0 by half a cosine."""
    temperature: float = 2.0
    """Scores are divided by it before softmax, so that classes with small probabilities teach, too (arXiv:1503.02531)."""
    feature_map_weight: float = 0.5
    """Weight of the relative squared error of the feature maps; the KL divergence of the scores has weight 1."""
    label_weight: float = 0.3
    """Weight of the cross-entropy with the labels, for labelled pictures."""
    balance: str = "class"
    """One of BALANCES: a picture is drawn with a probability in proportion to 1 / sqrt(pictures of its kind)."""
    start: str = "target"
    """One of STARTS."""
    average_decay: float = 0.999
    """Of the moving average of the weights, which is what is evaluated and exported (arXiv:1306.0586; Polyak and Juditsky 1992)."""
    small_fraction: float = 0.5
    """Fraction of the steps, from the first, whose views are smaller than the network's input: half the time (arXiv:2104.00298)."""
    evaluations: int = 20
    """How often the average is evaluated on the held-out pictures."""

    def verify(self) -> None:
        """Raise FirebrickError unless every number is in its range; messages name the options of `firebrick compress`."""
        for name, value, low, high in (
            ("distil", self.steps, 1, 10_000_000),
            ("batch", self.batch, 1, 4096),
            ("evaluations", self.evaluations, 1, 10_000),
        ):
            if not low <= value <= high:
                raise FirebrickError(f"{name} must be {low} to {high:,}, not {value}")
        for name, number, most in (("rate", self.learning_rate, 1.0), ("temperature", self.temperature, 100.0)):
            if not 0 < number <= most:
                raise FirebrickError(f"{name} must be above 0 and at most {most:g}, not {number:g}")
        if self.start not in STARTS:
            raise FirebrickError(f"start must be one of {', '.join(STARTS)}, not {self.start}")
        if self.balance not in BALANCES:
            raise FirebrickError(f"balance must be one of {', '.join(BALANCES)}, not {self.balance}")
