# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rate control: the search for the Lagrange multiplier at which a model meets a budget of bytes or of cycles per frame.

For a byte budget, one multiplier applies to the bits of all layers. For a cycle budget, a weight costs in proportion to how often a frame
uses it. Each layer then prunes and rounds until the next bit saved would cost more in accuracy than the multiplier allows, so that
densities and code lengths follow from the budget.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

import numpy as np

from ..compiler.lowering import compile_model
from ..errors import FirebrickError
from ..fire_format.file import file_size
from ..model.quantized import Model
from ..utils.progress import OneBar
from .compressor import Compressor
from .settings import CompressionSettings

Candidate = TypeVar("Candidate")

CLOSE_USAGE = 0.985
"""The search ends with a model that uses at least this fraction of its budget."""
MAX_TRIALS = 8
"""Compressions that a search takes at most."""
_SUBSAMPLE = 64
_RATE_LAMBDAS = (1 / 64, 65536.0)
_CYCLE_LAMBDAS = (1 / 16, 1024.0)
_MAX_STEP = float(np.log(16))
"""Maximum distance of a trial from those before, in the logarithm of the multiplier. Where nearly all weights are zero, the few that are
left take up so much error that sizes rise again. The search would not return from there."""
_TYPICAL_SLOPE = 0.3
"""Typical decrease of log(usage) per unit of log(multiplier), for the first extrapolation."""


@dataclass(frozen=True)
class Budget:
    """The maximum size of a model: bytes of its `.fire` file, or cycles per frame on a plan with ``lanes`` lanes; one of them is None."""

    bytes: int | None = None
    cycles: int | None = None
    lanes: int = 0

    def scaled(self, fraction: float) -> "Budget":
        """A fraction of the budget."""
        limits = {name: limit for name, limit in (("bytes", self.bytes), ("cycles", self.cycles)) if limit}
        return replace(self, **{name: int(fraction * limit) for name, limit in limits.items()})

    def usage(self, model: Model) -> float:
        """What a model takes, as a fraction of the budget."""
        if self.cycles is not None:
            return compile_model(model, self.lanes).cycles / self.cycles
        assert self.bytes is not None
        return file_size(model) / self.bytes


def compress_to_budget(compressor: Compressor, settings: CompressionSettings, budget: Budget) -> Model:
    """The most accurate model found within the budget, at the bits and densities of ``settings``.

    The search ends when the budget is used to CLOSE_USAGE, or is met at the minimum multiplier. Raises FirebrickError where even the
    maximum multiplier does not meet it.
    """
    low, high = _RATE_LAMBDAS if budget.cycles is None else _CYCLE_LAMBDAS

    rough = len(compressor.frames) > _SUBSAMPLE  # a few frames give nearly the same multiplier, in a fraction of the time
    shares = [*([_SUBSAMPLE / len(compressor.frames)] * MAX_TRIALS if rough else []), *[1.0] * MAX_TRIALS]
    bar = OneBar(compressor.progress, "searching", shares)

    def find(compressor: Compressor, start: float, before: int) -> tuple[float, Model] | None:
        bar.finish(before)
        compressor = compressor.showing(bar)
        trials = count(before + 1)

        def evaluate(multiplier: float) -> tuple[float, Model]:
            for_bytes = budget.cycles is None
            trial = replace(settings, rate_lambda=multiplier) if for_bytes else replace(settings, cycle_lambda=multiplier)
            model = compressor.compress(trial)
            bar.finish(next(trials))
            return budget.usage(model), model

        return search_lambda(evaluate, low, high, start)

    start = 1.0
    if rough:
        found = find(compressor.subsample(_SUBSAMPLE), start, 0)
        start = found[0] if found else high
    best = find(compressor, start, MAX_TRIALS if rough else 0)
    bar.finish(len(shares))
    if best is None:
        limit = f"{budget.bytes:,} bytes" if budget.cycles is None else f"{budget.cycles:,} cycles a frame with {budget.lanes} lanes"
        raise FirebrickError(f"no model of {compressor.source.network.name} with {limit} was found; allow more, or take fewer bits")
    return best[1]


def search_lambda(
    evaluate: Callable[[float], tuple[float, Candidate]], low: float, high: float, start: float
) -> tuple[float, Candidate] | None:
    """The minimum multiplier found that meets the budget, and its candidate; None where there is none.

    False position on log(multiplier) and log(usage). ``evaluate`` gives, for a multiplier, the fraction of the budget that is used, which
    falls with the multiplier, and the candidate. Each trial is costly, so the search ends when one uses CLOSE_USAGE of the budget, and
    tries ``low`` and ``high`` only when the other trials lead there.
    """
    points: list[tuple[float, float]] = []  # logarithms of multiplier and usage
    best: tuple[float, Candidate] | None = None
    bottom, top = float(np.log(low)), float(np.log(high))
    position = min(max(float(np.log(start)), bottom), top)
    for _ in range(MAX_TRIALS):
        multiplier = float(np.exp(position))
        usage, candidate = evaluate(multiplier)
        if usage <= 1 and (best is None or multiplier < best[0]):
            best = multiplier, candidate
        if CLOSE_USAGE <= usage <= 1 or (usage <= 1 and position <= bottom) or (usage > 1 and position >= top):
            break
        points.append((position, float(np.log(usage))))
        position = _next_position(points, bottom, top)
    return best


def _next_position(points: list[tuple[float, float]], bottom: float, top: float) -> float:
    """Where usage should be between CLOSE_USAGE and 1: interpolated between the nearest points on either side, else extrapolated."""
    goal = float(np.log((1 + CLOSE_USAGE) / 2))
    above = [point for point in points if point[1] > 0]
    below = [point for point in points if point[1] <= 0]
    if above and below:
        (left, more), (right, less) = max(above), min(below)
        fraction = min(max((more - goal) / (more - less), 0.05), 0.95)  # each trial narrows the interval by at least 5 %
        return left + fraction * (right - left)
    side = sorted(above, reverse=True) if above else sorted(below)
    position, log_usage = side[0]
    step = (log_usage - goal) / _TYPICAL_SLOPE
    if len(side) > 1:  # at least three times as far as before, as a curve that is flat here may be steep there
        step = max(3 * (position - side[1][0]), step, key=abs)
    return min(max(position + min(max(step, -_MAX_STEP), _MAX_STEP), bottom), top)
