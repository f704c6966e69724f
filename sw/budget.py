# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fastest plan that a board has room for."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from operator import le, mul

from .allocate import Demand, Share, cheapest, demands, options_of
from .compiler import plan_with
from .errors import FirebrickError
from .fabric import ECP5, Fabric
from .model import Model
from .resources import Resources, estimate, shortage, total
from .spec import Plan
from .subset import keep_classes

ROUNDS = 24
"""How often prices are raised before a target counts as out of reach."""
TRIES = 6
ROUNDING = 1 + 1e-9
"""What sums of prices may be off by."""

Counts = tuple[int, int, int]
"""LUTs, block RAMs and multipliers."""


def plan_for(model: Model, available: Resources, fabric: Fabric = ECP5) -> Plan:
    """The plan with the fewest cycles a frame whose estimate the resources cover. Raises FirebrickError where there is none."""
    plan = best_plan(model, available, fabric)
    if short := _short(plan, available, fabric):
        classes = _classes_that_fit(model, available, fabric)
        instead = f"{classes} of its {model.network.classes} classes fit, or take" if classes else "take fewer layers,"
        hint = f"{instead} a smaller model or a larger board"
        raise FirebrickError(f"{model.network.name} does not fit: even a slow plan needs {short}; {hint}")
    return plan


def smallest_plan(model: Model, available: Resources, cycles: int, fabric: Fabric = ECP5) -> Plan:
    """The plan that takes the smallest share of the resources and at most so many cycles a frame.

    Raises FirebrickError where there is none, which says how few cycles there can be.
    """
    fastest = plan_for(model, available, fabric)
    if fastest.cycles > cycles:
        least = f"the fastest {fastest.cycles:,}"
        raise FirebrickError(f"no plan takes {cycles:,} cycles a frame or fewer, {least}; ask for fewer frames a second")
    most = room(available, fabric)
    plans = [fastest]
    for logic_bits in fabric.logic_bits:
        costs = _Costs(demands(model), logic_bits, fabric)
        aim = float(cycles)
        for _ in range(TRIES):
            shares = costs.within(costs.meeting(aim), most)
            if shares is None:
                break
            plan = plan_with(model, shares, logic_bits)
            if plan.cycles <= cycles:
                plans += [] if _short(plan, available, fabric) else [plan]
                break
            aim *= min(0.99, cycles / plan.cycles)
    have = asdict(most)
    return min(plans, key=lambda plan: sum(need / max(1, have[kind]) for kind, need in asdict(total(estimate(plan, fabric))).items()))


def best_plan(model: Model, available: Resources, fabric: Fabric = ECP5) -> Plan:
    """The plan with the fewest cycles a frame whose estimate the resources cover, or where none is found, the plan that takes least.

    The latter is also tried where none seems to fit before compiling: it may need less than was expected.
    """
    wanted = demands(model)
    plans = [plan for logic_bits in fabric.logic_bits if (plan := _plan(model, wanted, room(available, fabric), logic_bits, fabric))]
    if not plans:
        least = [_least_plan(model, available, fabric, logic_bits) for logic_bits in fabric.logic_bits]
        plans = [plan for plan in least if not _short(plan, available, fabric)] or least[-1:]
    return min(plans, key=lambda plan: (plan.cycles, total(estimate(plan, fabric)).luts))


def room(available: Resources, fabric: Fabric = ECP5) -> Resources:
    """What a plan may take of a device."""
    return Resources(int(available.luts * fabric.lut_share), available.block_rams, available.multipliers)


def _short(plan: Plan, available: Resources, fabric: Fabric) -> str:
    """What the plan lacks, in words."""
    return shortage(room(available, fabric), total(estimate(plan, fabric)))


def _least_plan(model: Model, available: Resources, fabric: Fabric, logic_bits: int) -> Plan:
    """The plan, however slow, that takes the smallest share of what it takes the greatest share of."""
    return plan_with(model, _Costs(demands(model), logic_bits, fabric).least(room(available, fabric)), logic_bits)


def _classes_that_fit(model: Model, available: Resources, fabric: Fabric) -> int:
    """About how many of its classes a slow plan has room for."""
    low, high = 0, model.network.classes - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _short(_least_plan(keep_classes(model, range(middle)), available, fabric, fabric.logic_bits[-1]), available, fabric):
            high = middle - 1
        else:
            low = middle
    return low


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
            shares = self.within(self.meeting(targets[middle]), room)
            if shares is None:
                low = middle + 1
            else:
                best, high = shares, middle - 1
        return best

    def meeting(self, target: float) -> dict[str, list[Share]]:
        """The shares with which each engine meets a target, but for those that take no less of anything than another of as many lanes."""
        found: dict[str, list[Share]] = {}
        for name, options in self.cycles.items():
            kept: list[Share] = []
            alike: dict[int, list[Counts]] = {}
            for share, cycles in options.items():
                if cycles > target:
                    continue
                counts, others = self.counts[name][share], alike.setdefault(share.lanes, [])
                if not any(all(map(le, least, counts)) for least in others):
                    others.append(counts)
                    kept.append(share)
            found[name] = kept
        return found

    def cheapest(self, options: dict[str, list[Share]], prices: Sequence[float]) -> dict[str, Share] | None:
        """The shares among the options for which the least is to be paid."""
        each_lut, each_ram, each_multiplier = prices

        def price(demand: Demand, share: Share) -> float:
            luts, rams, multipliers = self.counts[demand.name][share]
            return luts * each_lut + rams * each_ram + multipliers * each_multiplier

        return cheapest(self.wanted, options, price)

    def least(self, room: Resources) -> dict[str, Share]:
        """The shares, however slow, that take the smallest share of what they take the greatest share of."""
        attempts = (shares for shares, _ in self._attempts(self.meeting(float("inf")), room))
        return min(attempts, key=lambda shares: max(self._shares_of(shares, room)))

    def within(self, options: dict[str, list[Share]], room: Resources) -> dict[str, Share] | None:
        """Shares among the options within the room, if any are found."""
        for kind, most in enumerate(_counts(room)):
            least = self.cheapest(options, [float(kind == other) for other in range(len(_counts(room)))])
            if least is None or self._needed(least)[kind] > most:
                return None
        for shares, prices in self._attempts(options, room):
            needed = self._needed(shares)
            if all(map(le, needed, _counts(room))):
                return shares
            if sum(map(mul, needed, prices)) > ROUNDING * sum(map(mul, _counts(room), prices)):
                return None  # what is within the room costs no more than the room, and nothing is cheaper than this
        return None

    def _attempts(self, options: dict[str, list[Share]], room: Resources) -> Iterator[tuple[dict[str, Share], list[float]]]:
        """The cheapest shares among the options and their prices, again and again: whatever is short becomes dearer."""
        prices = first_prices(room)
        for _ in range(ROUNDS):
            shares = self.cheapest(options, prices)
            if shares is None:
                return
            yield shares, prices
            prices = [price * taken**2 for price, taken in zip(prices, self._shares_of(shares, room), strict=True)]

    def _shares_of(self, shares: dict[str, Share], room: Resources) -> list[float]:
        """What is needed of each kind by what there is of it."""
        return [count / max(1, most) for count, most in zip(self._needed(shares), _counts(room), strict=True)]

    def _needed(self, shares: dict[str, Share]) -> Counts:
        each = [self.counts[name][share] for name, share in shares.items()]
        luts, block_rams, multipliers = (sum(counts) for counts in zip(*each, strict=True))
        return luts, block_rams, multipliers


def first_prices(room: Resources) -> list[float]:
    """Prices at which each kind costs as much as the others where all that there is of it is taken."""
    return [1 / max(1, count) for count in _counts(room)]


def _counts(resources: Resources) -> Counts:
    return resources.luts, resources.block_rams, resources.multipliers
