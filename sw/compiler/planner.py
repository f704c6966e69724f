# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fastest plan that a board has room for."""

from dataclasses import asdict
from functools import lru_cache
from operator import le

from ..errors import FirebrickError
from ..fpga.cost_model import estimate
from ..fpga.fabric import ECP5, Fabric
from ..fpga.resources import Resources, deficit, total
from ..model.class_subset import keep_classes
from ..model.quantized import Model
from ..plan.nodes import Plan
from .engine_config import EngineConfig
from .ilp import solve_ilp
from .lowering import plan_with
from .workload import EngineWorkload, configurations, workloads

MAX_ATTEMPTS = 6
RELAXATIONS = (1.0, 1.035)
"""How much slower engines may be than they could: a sparser plan clocks faster."""
UTILISATION_KNEE = 0.6
"""Share of the LUTs up to which wires between them are short: beyond it, the clock falls."""
CONGESTION_PENALTY = 2.0
"""Part of its time that a cycle takes longer by a share of the LUTs more: 0.02 for 1 %, fitted to whole networks in an ECP5-85F."""
MULTIPLIERS_PER_LUT_MULTIPLIER = 10
"""Multipliers to each soft one that a plan may have besides: more of these would mostly wait for other engines."""

Counts = tuple[int, int, int, int]
"""LUTs, block RAMs, multipliers and soft multipliers."""


def plan_for(model: Model, available: Resources, fabric: Fabric = ECP5, crowding: float = CONGESTION_PENALTY) -> Plan:
    """The plan with about the shortest frames whose estimate the resources cover. Raises FirebrickError where there is none."""
    plan = best_plan(model, available, fabric, crowding)
    if short := _short(plan, available, fabric):
        classes = _classes_that_fit(model, available, fabric)
        instead = f"{classes} of its {model.network.classes} classes fit, or take" if classes else "take fewer layers,"
        hint = f"{instead} a smaller model or a larger board"
        raise FirebrickError(f"{model.network.name} does not fit: even a slow plan needs {short}; {hint}")
    return plan


def smallest_plan(model: Model, available: Resources, fps: float, clock: float, fabric: Fabric = ECP5) -> Plan:
    """The plan that takes the smallest share of the resources and reaches so many frames a second at a clock in Hz.

    Raises FirebrickError where there is none, which says what the fastest reaches.
    """
    fastest = plan_for(model, available, fabric, crowding=0)
    if clock / fastest.cycles < fps:
        reached = f"at {clock / 1e6:.1f} MHz the fastest, of {fastest.cycles:,} cycles a frame, reaches {clock / fastest.cycles:.2f}"
        raise FirebrickError(f"no plan reaches {fps:g} frames a second: {reached}; ask for fewer, or for a higher clock with --frequency")
    cycles, most = max(int(clock / fps), fastest.cycles), usable_resources(available, fabric)
    plans = [fastest]
    for logic_bits in fabric.lut_rom_bits:
        costs, aim, allowed = _Costs(workloads(model), logic_bits, fabric), float(cycles), most
        for _ in range(MAX_ATTEMPTS):
            shares = costs.within(costs.meeting(aim), allowed)
            if shares is None:
                break
            plan = plan_with(model, shares, logic_bits)
            less = _less(plan, most, allowed, fabric)
            if plan.cycles <= cycles and less is None:
                plans.append(plan)
                break
            aim, allowed = aim * (min(0.99, cycles / plan.cycles) if plan.cycles > cycles else 1), less or allowed
    have = asdict(most)
    return min(plans, key=lambda plan: sum(need / max(1, have[kind]) for kind, need in asdict(total(estimate(plan, fabric))).items()))


def best_plan(model: Model, available: Resources, fabric: Fabric = ECP5, crowding: float = CONGESTION_PENALTY) -> Plan:
    """The plan with about the shortest frames of those that fit, or where none is found, the plan that takes least.

    The latter is also tried where none seems to fit before compiling: it may need less than was expected.
    ``crowding``: by how much a cycle takes longer where the FPGA is fuller; 0 where the clock is given.
    """
    wanted = workloads(model)
    plans = [
        plan
        for logic_bits in fabric.lut_rom_bits
        for plan in _plans(model, wanted, usable_resources(available, fabric), logic_bits, fabric)
    ]
    if not plans:
        least = [_least_plan(model, available, fabric, logic_bits) for logic_bits in fabric.lut_rom_bits]
        plans = [plan for plan in least if not _short(plan, available, fabric)] or least[-1:]

    def duration(plan: Plan) -> tuple[float, int]:
        luts = total(estimate(plan, fabric)).luts
        return plan.cycles * (1 + crowding * max(0.0, luts / max(1, available.luts) - UTILISATION_KNEE)), luts

    return min(plans, key=duration)


def usable_resources(available: Resources, fabric: Fabric = ECP5) -> Resources:
    """What a plan may take of a device."""
    return Resources(int(available.luts * fabric.max_lut_fraction), available.block_rams, available.multipliers)


def _short(plan: Plan, available: Resources, fabric: Fabric) -> str:
    """What the plan lacks, in words."""
    return deficit(usable_resources(available, fabric), total(estimate(plan, fabric)))


def _least_plan(model: Model, available: Resources, fabric: Fabric, logic_bits: int) -> Plan:
    """The plan, however slow, that takes the smallest share of what it takes the greatest share of."""
    return plan_with(model, _Costs(workloads(model), logic_bits, fabric).least(usable_resources(available, fabric)), logic_bits)


def _classes_that_fit(model: Model, available: Resources, fabric: Fabric) -> int:
    """About how many of its classes a slow plan has room for."""
    low, high = 0, model.network.classes - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _short(_least_plan(keep_classes(model, range(middle)), available, fabric, fabric.lut_rom_bits[-1]), available, fabric):
            high = middle - 1
        else:
            low = middle
    return low


def _plans(model: Model, wanted: tuple[EngineWorkload, ...], usable_resources: Resources, logic_bits: int, fabric: Fabric) -> list[Plan]:
    """For a way to lay out ROMs, the fastest plan and slower ones.

    Less is asked for where one needs more than was expected before compiling.
    """
    costs = _Costs(wanted, logic_bits, fabric)
    plans: list[Plan] = []
    target = 0.0
    for slower in RELAXATIONS:
        aim = usable_resources
        for _ in range(MAX_ATTEMPTS):
            target = target if plans else costs.fewest(aim)
            shares = costs.within(costs.meeting(slower * target), aim)
            if shares is None:
                break
            plan = plan_with(model, shares, logic_bits)
            less = _less(plan, usable_resources, aim, fabric)
            if less is None:
                plans.append(plan)
                break
            aim = less
    return plans


def _less(plan: Plan, usable_resources: Resources, asked: Resources, fabric: Fabric) -> Resources | None:
    """What to ask for instead of what was asked for, as a plan takes more than was expected before compiling; None where it fits."""
    needed, had = asdict(total(estimate(plan, fabric))), asdict(usable_resources)
    over = {kind: max(0, needed[kind] - had[kind]) for kind in had}
    return Resources(**{kind: value - over[kind] for kind, value in asdict(asked).items()}) if any(over.values()) else None


class _Costs:
    """The shares that each engine may have, and what it takes with each, as far as is known before compiling."""

    def __init__(self, wanted: tuple[EngineWorkload, ...], logic_bits: int, fabric: Fabric) -> None:
        self.wanted = wanted
        self.cycles = _cycles(wanted, fabric)
        self.counts = {
            demand.name: {
                share: (*_counts(demand.resources(share, logic_bits, fabric)), share.lanes * share.partitions * share.lut_multipliers)
                for share in self.cycles[demand.name]
            }
            for demand in wanted
        }

    def fewest(self, usable_resources: Resources) -> float:
        """The least number of cycles that the room allows, as far as is known before compiling; infinite where there is no room."""
        targets = sorted({cycles for options in self.cycles.values() for cycles in options.values()})
        low, high = 0, len(targets)
        while low < high:
            middle = (low + high) // 2
            if self.within(self.meeting(targets[middle]), usable_resources) is None:
                low = middle + 1
            else:
                high = middle
        return targets[low] if low < len(targets) else float("inf")

    def meeting(self, target: float) -> dict[str, list[EngineConfig]]:
        """The shares with which each engine meets a target, but for those that take no less of anything than another of the same layout."""
        found: dict[str, list[EngineConfig]] = {}
        for demand in self.wanted:
            kept: dict[tuple[int, bool, bool], list[EngineConfig]] = {}
            counts = self.counts[demand.name]
            for share, cycles in self.cycles[demand.name].items():
                alike = kept.setdefault((share.lanes, share.paired, share.serialized), [])
                if cycles <= target and not any(all(map(le, counts[one], counts[share])) for one in alike):
                    alike.append(share)
            found[demand.name] = [share for alike in kept.values() for share in alike]
        return found

    def least(self, usable_resources: Resources) -> dict[str, EngineConfig]:
        """The shares, however slow, that take the smallest share of what they take the greatest share of.

        Raises FirebrickError where there are none: no two engines of a bypass, say, can be joined.
        """
        shares = solve_ilp(self.wanted, self.meeting(float("inf")), self._count, _limits(usable_resources))
        if shares is None:
            raise FirebrickError("no lanes suit all engines of the network")
        return shares

    def within(self, options: dict[str, list[EngineConfig]], usable_resources: Resources) -> dict[str, EngineConfig] | None:
        """The shares among the options that take the fewest LUTs, and few of all else, of those within the room."""
        luts, *others = first_prices(usable_resources)
        return solve_ilp(self.wanted, options, self._count, _limits(usable_resources), (luts, *(price / 10 for price in others), 0.0))

    def _count(self, demand: EngineWorkload, share: EngineConfig) -> Counts:
        return self.counts[demand.name][share]


@lru_cache(maxsize=1)
def _cycles(wanted: tuple[EngineWorkload, ...], fabric: Fabric) -> dict[str, dict[EngineConfig, float]]:
    """For each engine, what it may be given, and how many cycles it then needs."""
    return {demand.name: {share: demand.cycles(share) for share in configurations(demand, fabric)} for demand in wanted}


def first_prices(usable_resources: Resources) -> list[float]:
    """Prices at which each kind costs as much as the others where all that there is of it is taken."""
    return [1 / max(1, count) for count in _counts(usable_resources)]


def _limits(usable_resources: Resources) -> Counts:
    return *_counts(usable_resources), usable_resources.multipliers // MULTIPLIERS_PER_LUT_MULTIPLIER


def _counts(resources: Resources) -> tuple[int, int, int]:
    return resources.luts, resources.block_rams, resources.multipliers
