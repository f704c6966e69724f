# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Compression to a budget: the price at which a model has just so many bytes, or needs just so many cycles a frame.

Where bytes are short, every bit costs the same, in whatever layer it is; where cycles are short, a weight costs as often as a frame
uses it. Each layer then prunes and rounds as much as is worth that price, so that densities and code lengths follow from the budget.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .compiler import compile_model
from .compress import Compressor, Settings
from .errors import FirebrickError
from .firefile import encode_model
from .model import Model

CLOSE = 0.985
"""A model that takes this share of its budget is good enough."""
_TRIALS = 8
_PRICES = (1 / 64, 65536.0)
_CYCLE_PRICES = (1 / 16, 1024.0)


@dataclass(frozen=True)
class Budget:
    """The most that a model may take: bytes of its `.fire` file, or cycles a frame on a plan with so many lanes; one of them is None."""

    bytes: int | None = None
    cycles: int | None = None
    lanes: int = 0

    def takes(self, model: Model) -> float:
        """What a model takes, as a share of the budget."""
        if self.cycles is not None:
            return compile_model(model, self.lanes).cycles / self.cycles
        assert self.bytes is not None
        return len(encode_model(model)) / self.bytes


def compress_within(compressor: Compressor, settings: Settings, budget: Budget) -> Model:
    """The most accurate model found within the budget, at the bits and densities of ``settings``.

    The search over prices (false position on logarithms) ends when the budget is used to CLOSE, or is met at the least price.
    Raises FirebrickError where even the greatest price does not meet it.
    """
    found: Model | None = None

    def spent(price: float) -> float:
        nonlocal found
        priced = replace(settings, price=price) if budget.cycles is None else replace(settings, cycle_price=price)
        model = compressor.compress(priced)
        share = budget.takes(model)
        if share <= 1:
            found = model
        return share

    prices = _PRICES if budget.cycles is None else _CYCLE_PRICES
    if not search(spent, *prices):
        what = f"{budget.bytes:,} bytes" if budget.cycles is None else f"{budget.cycles:,} cycles a frame with {budget.lanes} lanes"
        raise FirebrickError(f"no model of {compressor.source.network.name} with {what} was found; allow more, or take fewer bits")
    assert found is not None
    return found


def search(spent: Callable[[float], float], low: float, high: float) -> bool:
    """Try prices until one spends CLOSE to 1 of the budget, and at most 1; ``spent`` falls with the price.

    Each trial is costly, so that the least and the greatest price are tried only when others lead there. The last price tried that is
    within the budget is the best one. Returns whether there was one.
    """
    points: list[tuple[float, float]] = []  # logarithms of price and share of the budget
    at, within = float(np.log(min(max(1.0, low), high))), False
    bottom, top = float(np.log(low)), float(np.log(high))
    for _ in range(_TRIALS):
        share = spent(float(np.exp(at)))
        within |= share <= 1
        if CLOSE <= share <= 1 or (share <= 1 and at <= bottom) or (share > 1 and at >= top):
            break
        points.append((at, float(np.log(share))))
        at = _next(points, bottom, top)
    return within


def _next(points: list[tuple[float, float]], bottom: float, top: float) -> float:
    """Where the budget should just be spent: between the nearest points on either side, or beyond the last."""
    goal = float(np.log((1 + CLOSE) / 2))
    above = [point for point in points if point[1] > 0]
    below = [point for point in points if point[1] <= 0]
    if above and below:
        (left, more), (right, less) = max(above), min(below)
        share = min(max((more - goal) / (more - less), 0.05), 0.95)
        return left + share * (right - left)
    side = sorted(above, reverse=True) if above else sorted(below)
    at, error = side[0]
    leap = (error - goal) / 0.3
    if len(side) > 1:  # at least three times as far as before, as what is flat here may be steep there
        leap = max(3 * (at - side[1][0]), leap, key=abs)
    return min(max(at + leap, bottom), top)
