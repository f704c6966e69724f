# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fastest plan that a board has room for."""

from collections.abc import Sequence
from dataclasses import asdict
from operator import le, mul

from .allocate import Demand, Share, cheapest, demands, options_of
from .compiler import plan_with
from .errors import FirebrickError
from .fabric import ECP5, Fabric
from .model import Model
from .resources import Resources, estimate, shortage, total
from .spec import Plan

ROUNDS = 24
"""How often prices are raised before a target counts as out of reach."""
TRIES = 6

Counts = tuple[int, int, int]
"""LUTs, block RAMs and multipliers."""


def plan_for(model: Model, available: Resources, fabric: Fabric = ECP5) -> Plan:
    """The plan with the fewest cycles a frame whose estimate the resources cover. Raises FirebrickError where there is none."""
    plan = best_plan(model, available, fabric)
    if short := shortage(room(available, fabric), total(estimate(plan, fabric))):
        hint = "take fewer classes, a smaller model or board"
        raise FirebrickError(f"{model.network.name} does not fit: even a slow plan needs {short}; {hint}")
    return plan


def room(available: Resources, fabric: Fabric = ECP5) -> Resources:
    """What a plan may take of a device."""
    return Resources(int(available.luts * fabric.lut_share), available.block_rams, available.multipliers)


def best_plan(model: Model, available: Resources, fabric: Fabric = ECP5) -> Plan:
    """The plan with the fewest cycles a frame whose estimate the resources cover, or where none is found, the plan that takes least.

    That one may fit all the same, where it needs less than was expected before compiling.
    """
    wanted = demands(model)
    have = room(available, fabric)
    plans = [plan for logic_bits in fabric.logic_bits if (plan := _plan(model, wanted, have, logic_bits, fabric))]
    if not plans:
        least = [_least_plan(model, wanted, have, logic_bits, fabric) for logic_bits in fabric.logic_bits]
        plans = [plan for plan in least if not shortage(have, total(estimate(plan, fabric)))] or least[-1:]
    return min(plans, key=lambda plan: (plan.cycles, total(estimate(plan, fabric)).luts))


def _least_plan(model: Model, wanted: tuple[Demand, ...], room: Resources, logic_bits: int, fabric: Fabric) -> Plan:
    """The plan, however slow, that takes the smallest shares of the room: the sum of what it takes of each kind."""
    costs = _Costs(wanted, logic_bits, fabric)
    shares = costs.cheapest(costs.meeting(float("inf")), first_prices(room))
    return plan_with(model, shares or {}, logic_bits)


def _plan(model: Model, wanted: tuple[Demand, ...], room: Resources, logic_bits: int, fabric: Fabric) -> Plan | None:
    """The fastest plan for a way to lay out ROMs: where the plan needs more than was expected before compiling, less is asked for."""
    costs = _Costs(wanted, logic_bits, fabric)
    aim = room
    for _ in range(TRIES):
        shares = costs.fastest(aim)
        if shares is None:
            return None
        plan = plan_with(model, shares, logic_bits)
        needed = asdict(total(estimate(plan, fabric)))
        over = {kind: needed[kind] - have for kind, have in asdict(room).items()}
        if max(over.values()) <= 0:
            return plan
        aim = Resources(**{kind: value - max(0, over[kind]) for kind, value in asdict(aim).items()})
    return None


class _Costs:
    """The shares that each engine may have, and what it takes with each, as far as is known before compiling."""

    def __init__(self, wanted: tuple[Demand, ...], logic_bits: int, fabric: Fabric) -> None:
        self.wanted = wanted
        self.cycles = {demand.name: {share: demand.cycles(share) for share in options_of(demand)} for demand in wanted}
        self.counts = {
            demand.name: {share: _counts(demand.resources(share, logic_bits, fabric)) for share in self.cycles[demand.name]}
            for demand in wanted
        }

    def fastest(self, room: Resources) -> dict[str, Share] | None:
        """The shares of the least number of cycles that the room allows."""
        targets = sorted({cycles for options in self.cycles.values() for cycles in options.values()})
        low, high, best = 0, len(targets) - 1, None
        while low <= high:
            middle = (low + high) // 2
            shares = self._within(self.meeting(targets[middle]), room)
            if shares is None:
                low = middle + 1
            else:
                best, high = shares, middle - 1
        return best

    def meeting(self, target: float) -> dict[str, list[Share]]:
        """The shares with which each engine meets a target, but for those that take no less of anything than another of as many lanes."""
        found: dict[str, list[Share]] = {}
        for name, options in self.cycles.items():
            kept: dict[Share, Counts] = {}
            for share, cycles in options.items():
                counts = self.counts[name][share]
                if cycles <= target and not any(
                    one.lanes == share.lanes and all(map(le, least, counts)) for one, least in kept.items()
                ):
                    kept[share] = counts
            found[name] = list(kept)
        return found

    def cheapest(self, options: dict[str, list[Share]], prices: Sequence[float]) -> dict[str, Share] | None:
        """The shares among the options for which the least is to be paid."""
        return cheapest(self.wanted, options, lambda demand, share: sum(map(mul, self.counts[demand.name][share], prices)))

    def _within(self, options: dict[str, list[Share]], room: Resources) -> dict[str, Share] | None:
        """Shares among the options within the room: whatever is short becomes dearer until the cheapest shares fit."""
        have, prices = _counts(room), first_prices(room)
        for kind, most in enumerate(have):
            least = self.cheapest(options, [float(kind == other) for other in range(len(have))])
            if least is None or self._needed(least)[kind] > most:
                return None
        for _ in range(ROUNDS):
            shares = self.cheapest(options, prices)
            if shares is None:
                return None
            need = self._needed(shares)
            if all(map(le, need, have)):
                return shares
            prices = [price * (count / max(1, most)) ** 2 for price, count, most in zip(prices, need, have, strict=True)]
        return None

    def _needed(self, shares: dict[str, Share]) -> Counts:
        each = [self.counts[name][share] for name, share in shares.items()]
        luts, block_rams, multipliers = (sum(counts) for counts in zip(*each, strict=True))
        return luts, block_rams, multipliers


def first_prices(room: Resources) -> list[float]:
    """Prices at which each kind costs as much as the others where all that there is of it is taken."""
    return [1 / max(1, count) for count in _counts(room)]


def _counts(resources: Resources) -> Counts:
    return resources.luts, resources.block_rams, resources.multipliers
