# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rate control: the search for the Lagrange multipliers at which a model meets its budget.

For bytes, one multiplier applies to the bits of all layers. For multiplications, cycles and frames a second, a weight costs in proportion
to how often a frame uses it. Each layer then prunes and rounds until the next bit saved would cost more in accuracy than the multiplier
allows, so that densities and code lengths follow from the budget. Where bytes and work are both limited, the two multipliers are
searched in turn, as each also saves a little of what the other is for.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from ..errors import FirebrickError
from ..model.quantized import Model
from ..utils.progress import OneBar
from .budget import Budget as Budget
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
_MAX_ROUNDS = 4
"""Turns that the search for two multipliers takes at most; each brings it several times nearer."""
_TOLERANCE = 0.01
"""Fraction of a limit that the search on few frames may exceed, as the search on all frames moves both multipliers again."""
_MAX_STEP = float(np.log(16))
"""Maximum distance of a trial from those before, in the logarithm of the multiplier. Where nearly all weights are zero, the few that are
left take up so much error that sizes rise again. The search would not return from there."""
_TYPICAL_SLOPE = 0.3
"""Typical decrease of log(usage) per unit of log(multiplier), for the first extrapolation."""


def compress_to_budget(compressor: Compressor, settings: CompressionSettings, budget: Budget) -> Model:
    """The most accurate model found within the budget, at the bits and densities of ``settings``.

    A search ends when the budget is used to CLOSE_USAGE, or is met at the minimum multiplier. Raises FirebrickError where even the
    maximum multiplier does not meet it.
    """
    search = _compress_to_both if budget.for_bytes and budget.for_work else _compress_to_one
    found = search(compressor, settings, budget)
    if found is None:
        raise FirebrickError(f"no model of {compressor.source.network.name} with {budget} was found; allow more, or take fewer bits")
    return found


def _compress_to_one(compressor: Compressor, settings: CompressionSettings, budget: Budget) -> Model | None:
    """The search for one multiplier: that of bits for bytes, that of cycles for all else."""
    for_bytes = budget.for_work is None
    low, high = _RATE_LAMBDAS if for_bytes else _CYCLE_LAMBDAS

    rough = len(compressor.frames) > _SUBSAMPLE  # a few frames give nearly the same multiplier, in a fraction of the time
    shares = [*([_SUBSAMPLE / len(compressor.frames)] * MAX_TRIALS if rough else []), *[1.0] * MAX_TRIALS]
    trials = _Trials(compressor, budget, OneBar(compressor.progress, "searching", shares))

    def settings_at(multiplier: float) -> CompressionSettings:
        return replace(settings, rate_lambda=multiplier) if for_bytes else replace(settings, cycle_lambda=multiplier)

    start = 1.0
    if rough:
        found = search_lambda(trials.evaluator(settings_at, subsample=True), low, high, start)
        start = found[0] if found else high
        trials.skip_to(MAX_TRIALS)
    best = search_lambda(trials.evaluator(settings_at), low, high, start)
    trials.skip_to(len(shares))
    return best[1] if best else None


def _compress_to_both(compressor: Compressor, settings: CompressionSettings, budget: Budget) -> Model | None:
    """The search for both multipliers.

    On few frames, the multiplier of bits is searched for the bytes, then that of cycles for the work, in turn, until both limits are met
    closely. On all frames, both multipliers are then scaled together.
    """
    assert budget.for_bytes is not None
    assert budget.for_work is not None
    rough = len(compressor.frames) > _SUBSAMPLE
    share = _SUBSAMPLE / len(compressor.frames) if rough else 1.0
    rounds = 2 * _MAX_ROUNDS * MAX_TRIALS
    shares = [*[share] * rounds, *[1.0] * MAX_TRIALS]
    bar = OneBar(compressor.progress, "searching", shares)
    for_bytes, for_work = (_Trials(compressor, part, bar) for part in (budget.for_bytes, budget.for_work))
    rate, cycle = 1.0, settings.cycle_lambda

    def settings_at(rate: float, cycle: float) -> CompressionSettings:
        return replace(settings, rate_lambda=rate, cycle_lambda=cycle)

    for number in range(_MAX_ROUNDS):
        for_bytes.skip_to(2 * number * MAX_TRIALS)
        by_rate = search_lambda(for_bytes.evaluator(partial(settings_at, cycle=cycle), subsample=rough), *_RATE_LAMBDAS, rate)
        if by_rate is None:
            return None
        rate = by_rate[0]
        if budget.for_work.usage(by_rate[1]) <= (1 if number == 0 else 1 + _TOLERANCE):
            break
        for_work.skip_to((2 * number + 1) * MAX_TRIALS)
        by_cycle = search_lambda(for_work.evaluator(partial(settings_at, rate), subsample=rough), *_CYCLE_LAMBDAS, max(cycle, 1.0))
        if by_cycle is None:
            return None
        cycle = by_cycle[0]
    both = _Trials(compressor, budget, bar)
    both.skip_to(rounds)
    low, high = (limit / rate for limit in _RATE_LAMBDAS)
    best = search_lambda(both.evaluator(lambda factor: settings_at(factor * rate, cycle)), low, high, 1.0)
    both.skip_to(len(shares))
    return best[1] if best else None


class _Trials:
    """Compressions of a search, which move a bar.

    Args:
        compressor: the network and all calibration frames.
        budget: what models are to meet.
        bar: has a share for each trial of the whole search.
    """

    def __init__(self, compressor: Compressor, budget: Budget, bar: OneBar) -> None:
        self.full = compressor.showing(bar)
        self.budget, self.bar, self.done = budget, bar, 0

    def skip_to(self, done: int) -> None:
        """So many trials from the first are done, or will not be needed."""
        self.done = done
        self.bar.finish(done)

    def evaluator(
        self, settings_at: Callable[[float], CompressionSettings], *, subsample: bool = False
    ) -> Callable[[float], tuple[float, Model]]:
        """The function that `search_lambda` needs: usage and model at a multiplier, on a few frames or on all."""
        compressor = self.full.subsample(_SUBSAMPLE) if subsample else self.full

        def evaluate(multiplier: float) -> tuple[float, Model]:
            model = compressor.compress(settings_at(multiplier))
            self.skip_to(self.done + 1)
            return self.budget.usage(model), model

        return evaluate


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
