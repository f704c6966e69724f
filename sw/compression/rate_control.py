# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Compression to a budget: the price at which a model has just so many bytes, or needs just so many cycles a frame.

Where bytes are short, every bit costs the same, in whatever layer it is; where cycles are short, a weight costs as often as a frame
uses it. Each layer then prunes and rounds as much as is worth that price, so that densities and code lengths follow from the budget.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ..compiler.lowering import compile_model
from ..errors import FirebrickError
from ..fire_format.file import file_size
from ..model.quantized import Model
from .compressor import CompressionSettings, Compressor

Candidate = TypeVar("Candidate")

CLOSE_USAGE = 0.985
"""A model that takes this share of its budget is good enough."""
_TRIALS = 8
_SAMPLE = 64
_PRICES = (1 / 64, 65536.0)
_CYCLE_PRICES = (1 / 16, 1024.0)
_LEAP = float(np.log(16))
"""Most that one trial goes beyond those before, in the logarithm. Where nearly all weights are zero, the few that are left take up so much
error that sizes rise again: there the search would not find back."""


@dataclass(frozen=True)
class Budget:
    """The most that a model may take: bytes of its `.fire` file, or cycles a frame on a plan with so many lanes; one of them is None."""

    bytes: int | None = None
    cycles: int | None = None
    lanes: int = 0

    def scaled(self, part: float) -> "Budget":
        """A part of the budget."""
        return replace(self, **{what: int(part * most) for what, most in (("bytes", self.bytes), ("cycles", self.cycles)) if most})

    def usage(self, model: Model) -> float:
        """What a model takes, as a share of the budget."""
        if self.cycles is not None:
            return compile_model(model, self.lanes).cycles / self.cycles
        assert self.bytes is not None
        return file_size(model) / self.bytes


def compress_to_budget(compressor: Compressor, settings: CompressionSettings, budget: Budget) -> Model:
    """The most accurate model found within the budget, at the bits and densities of ``settings``.

    The search over prices (false position on logarithms) ends when the budget is used to CLOSE, or is met at the least price.
    Raises FirebrickError where even the greatest price does not meet it.
    """
    low, high = _PRICES if budget.cycles is None else _CYCLE_PRICES

    def found_by(compressor: Compressor, start: float) -> tuple[float, Model] | None:
        def offer(price: float) -> tuple[float, Model]:
            priced = replace(settings, rate_lambda=price) if budget.cycles is None else replace(settings, cycle_lambda=price)
            model = compressor.compress(priced)
            return budget.usage(model), model

        return search_lambda(offer, low, high, start)

    start = 1.0
    if len(compressor.frames) > _SAMPLE:  # a few frames tell nearly the price, in a fraction of the time
        rough = found_by(compressor.subsample(_SAMPLE), start)
        start = rough[0] if rough else high
    found = found_by(compressor, start)
    if found is None:
        what = f"{budget.bytes:,} bytes" if budget.cycles is None else f"{budget.cycles:,} cycles a frame with {budget.lanes} lanes"
        raise FirebrickError(f"no model of {compressor.source.network.name} with {what} was found; allow more, or take fewer bits")
    return found[1]


def search_lambda(
    offer: Callable[[float], tuple[float, Candidate]], low: float, high: float, start: float
) -> tuple[float, Candidate] | None:
    """The least price found, and what it buys, at which an offer takes at most the whole budget; None where there is none.

    ``offer`` gives, for a price, the share of the budget that is taken, which falls with the price, and what is bought. Each trial is
    costly: the search ends when one takes CLOSE of the budget, and ``low`` and ``high`` are tried only when others lead there.
    """
    points: list[tuple[float, float]] = []  # logarithms of price and share of the budget
    best: tuple[float, Candidate] | None = None
    bottom, top = float(np.log(low)), float(np.log(high))
    at = min(max(float(np.log(start)), bottom), top)
    for _ in range(_TRIALS):
        price = float(np.exp(at))
        share, bought = offer(price)
        if share <= 1 and (best is None or price < best[0]):
            best = price, bought
        if CLOSE_USAGE <= share <= 1 or (share <= 1 and at <= bottom) or (share > 1 and at >= top):
            break
        points.append((at, float(np.log(share))))
        at = _next(points, bottom, top)
    return best


def _next(points: list[tuple[float, float]], bottom: float, top: float) -> float:
    """Where the budget should just be spent: between the nearest points on either side, or beyond the last."""
    goal = float(np.log((1 + CLOSE_USAGE) / 2))
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
    return min(max(at + min(max(leap, -_LEAP), _LEAP), bottom), top)
