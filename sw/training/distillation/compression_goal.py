# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where a gradual distillation is going: densities by layer, bytes, and how far it should be at each step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log

from ...fire_format.file import file_size
from ...model.quantized import Model

PRUNED = 0.6
"""Fraction of the steps after which densities are those of the goal."""
SETTLED = 0.85
"""Fraction of the steps after which masks stay as they are, so that the average settles."""
_AIM = 0.997
"""Fraction of the bytes that the multiplier is steered to."""
_DIGITS = 48
"""Bytes that the figures in the metadata may take more once they are known."""
_GAIN = 1.0
_MAX_CHANGE = 0.25
"""Of the logarithm of the multiplier, from one control to the next."""
_RANGE = (1 / 64, 4096.0)


@dataclass(frozen=True, eq=False)
class CompressionGoal:
    """What the trained model is to meet."""

    densities: Mapping[str, float]
    """Fraction of each layer's weights that are kept in the end, 0 to 1: those that rate control found for the budget."""
    prices: Mapping[str, float]
    """Squared error, in squared centroid steps, that a bit of each layer is worth at a multiplier of 1."""
    bytes: int | None = None
    """Maximum size of the `.fire` file; None for no limit."""
    work: Callable[[Model], float] | None = None
    """What a model takes of other limits (multiplications, cycles, a board), as a fraction; None for no limit."""

    def is_met(self, model: Model) -> bool:
        """Whether a model is within all limits, whatever digits its metadata will have."""
        if self.bytes is not None and file_size(model) + _DIGITS > self.bytes:
            return False
        return self.work is None or self.work(model) <= 1


class RateController:
    """Steers a model from its start to the goal: how many weights of each layer are kept, and the Lagrange multiplier of a bit.

    Densities fall by the cubic schedule of arXiv:1710.01878, equation 1: fast while many weights do not matter, slowly in the end.
    The multiplier of entropy-constrained assignment (Chou, Lookabaugh and Gray 1989) follows the file's size: it rises while the file is
    larger than it should be at that step, in proportion to the logarithm of the excess.
    """

    def __init__(self, start: Model, goal: CompressionGoal, steps: int) -> None:
        self.goal, self.steps = goal, steps
        self.sizes = {name: layer.codes.size for name, layer in start.layers.items()}
        self.first = {name: layer.nonzero / layer.codes.size for name, layer in start.layers.items()}
        self.first_bytes = file_size(start)
        self.multiplier = 1.0
        self.tightness = 1.0
        """Factor of the goal's densities, below 1 where they do not suffice."""

    def progress(self, step: int) -> float:
        """How much of the way is left, 1 to 0."""
        return float(max(0.0, 1 - step / max(1.0, PRUNED * self.steps)) ** 3)

    def count(self, name: str, step: int) -> int:
        """The number of weights of a layer that are kept at a step."""
        goal = min(self.first[name], self.goal.densities[name] * self.tightness)
        return round(self.sizes[name] * (goal + (self.first[name] - goal) * self.progress(step)))

    def steer(self, model: Model, step: int) -> None:
        """Move the multiplier by the size that the model of a step has, and that it should have."""
        if self.goal.bytes is None:
            return
        aim = max(1.0, _AIM * (self.goal.bytes - _DIGITS))
        excess = log(file_size(model) / (aim + max(0.0, self.first_bytes - aim) * self.progress(step)))
        change = min(max(_GAIN * excess, -_MAX_CHANGE), _MAX_CHANGE)
        self.multiplier = min(max(self.multiplier * exp(change), _RANGE[0]), _RANGE[1])

    def state(self) -> list[float]:
        """What a checkpoint keeps."""
        return [self.multiplier, self.tightness]

    def restore(self, state: list[float]) -> None:
        """Continue from a checkpoint."""
        self.multiplier, self.tightness = state
