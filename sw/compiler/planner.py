# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fastest or the smallest plan for the resources of a device.

A search alternates between estimate and plan: an integer programme chooses configurations by what is known before compiling
(config_search.py); the plan that is compiled from them shows what they really take. If that is too much, the programme is solved again with
as much less to spend.
"""

from dataclasses import asdict

from ..errors import FirebrickError
from ..fpga.cost_model import estimate
from ..fpga.fabric import ECP5, Fabric
from ..fpga.resources import Resources, deficit, total
from ..model.class_subset import keep_classes
from ..model.quantized import Model
from ..plan.nodes import Plan
from .config_search import ConfigSearch
from .lowering import plan_with
from .workload import workloads

MAX_ATTEMPTS = 6
"""Plans to compile until one takes no more than allowed: the estimates before compiling are coarse."""
RELAXATIONS = (1.0, 1.035)
"""Factors on the smallest number of cycles: a plan that is a little slower uses fewer LUTs, and so reaches a higher clock."""
UTILISATION_KNEE = 0.6
"""Fraction of the LUTs beyond which congestion lowers Fmax: routes get longer. From whole networks in an ECP5-85F."""
CONGESTION_PENALTY = 2.0
"""Relative increase of the clock period for each unit of LUT utilisation beyond the knee (2 % for 1 %). Fitted to the same."""


def plan_for(model: Model, available: Resources, fabric: Fabric = ECP5, congestion_penalty: float = CONGESTION_PENALTY) -> Plan:
    """The plan with about the shortest time for a frame whose estimate fits. Raises FirebrickError if there is none."""
    plan = best_plan(model, available, fabric, congestion_penalty)
    if missing := _deficit(plan, available, fabric):
        classes = _max_classes(model, available, fabric)
        instead = f"{classes} of its {model.network.classes} classes fit, or take" if classes else "take fewer layers,"
        hint = f"{instead} a smaller model or a larger board"
        raise FirebrickError(f"{model.network.name} does not fit: even a slow plan needs {missing}; {hint}")
    return plan


def smallest_plan(model: Model, available: Resources, fps: float, clock: float, fabric: Fabric = ECP5) -> Plan:
    """The plan that uses the smallest fraction of the resources and reaches ``fps`` frames a second at a clock in Hz.

    Raises FirebrickError if there is none; the message says what the fastest plan reaches.
    """
    fastest = plan_for(model, available, fabric, congestion_penalty=0)
    if clock / fastest.cycles < fps:
        reached = f"at {clock / 1e6:.1f} MHz the fastest, of {fastest.cycles:,} cycles a frame, reaches {clock / fastest.cycles:.2f}"
        raise FirebrickError(f"no plan reaches {fps:g} frames a second: {reached}; ask for fewer, or for a higher clock with --frequency")
    max_cycles, usable = max(int(clock / fps), fastest.cycles), usable_resources(available, fabric)
    plans = [fastest]
    for lut_rom_bits in fabric.lut_rom_bits:
        plan = _smallest_within(model, max_cycles, usable, lut_rom_bits, fabric)
        if plan:
            plans.append(plan)
    limits: dict[str, int] = asdict(usable)

    def utilisation(plan: Plan) -> float:
        used: dict[str, int] = asdict(total(estimate(plan, fabric)))
        return sum(used[kind] / max(1, limits[kind]) for kind in used)

    return min(plans, key=utilisation)


def best_plan(model: Model, available: Resources, fabric: Fabric = ECP5, congestion_penalty: float = CONGESTION_PENALTY) -> Plan:
    """The plan with about the shortest time for a frame among those that fit; the plan that takes least if none is found.

    The latter may still fit, because a compiled plan may need less than estimated. ``congestion_penalty``: the relative increase of the
    clock period with LUT utilisation; 0 if the clock is given.
    """
    usable = usable_resources(available, fabric)
    plans = [plan for lut_rom_bits in fabric.lut_rom_bits for plan in _fast_plans(model, usable, lut_rom_bits, fabric)]
    if not plans:
        smallest = [least_plan(model, available, fabric, lut_rom_bits) for lut_rom_bits in fabric.lut_rom_bits]
        plans = [plan for plan in smallest if not _deficit(plan, available, fabric)] or smallest[-1:]

    def frame_time(plan: Plan) -> tuple[float, int]:
        luts = total(estimate(plan, fabric)).luts
        congestion = max(0.0, luts / max(1, available.luts) - UTILISATION_KNEE)
        return plan.cycles * (1 + congestion_penalty * congestion), luts

    return min(plans, key=frame_time)


def usable_resources(available: Resources, fabric: Fabric = ECP5) -> Resources:
    """What a plan may use of a device: routing needs some headroom of LUTs."""
    return Resources(int(available.luts * fabric.max_lut_fraction), available.block_rams, available.multipliers)


def _deficit(plan: Plan, available: Resources, fabric: Fabric) -> str:
    """A phrase that names the resources that the plan lacks; empty if it fits."""
    return deficit(usable_resources(available, fabric), total(estimate(plan, fabric)))


def least_plan(model: Model, available: Resources, fabric: Fabric, lut_rom_bits: int) -> Plan:
    """The plan, however slow, for which the scarcest resource is used least."""
    search = ConfigSearch(workloads(model), lut_rom_bits, fabric)
    return plan_with(model, search.least(usable_resources(available, fabric)), lut_rom_bits)


def _max_classes(model: Model, available: Resources, fabric: Fabric) -> int:
    """About how many of its classes a slow plan has resources for."""
    low, high = 0, model.network.classes - 1
    while low < high:
        middle = (low + high + 1) // 2
        subset = keep_classes(model, range(middle))
        if _deficit(least_plan(subset, available, fabric, fabric.lut_rom_bits[-1]), available, fabric):
            high = middle - 1
        else:
            low = middle
    return low


def _fast_plans(model: Model, usable: Resources, lut_rom_bits: int, fabric: Fabric) -> list[Plan]:
    """The fastest plan with this kind of ROMs, and the slower ones of ``RELAXATIONS``."""
    search = ConfigSearch(workloads(model), lut_rom_bits, fabric)
    plans: list[Plan] = []
    min_cycles = 0.0
    for relaxation in RELAXATIONS:
        allowed = usable
        for _ in range(MAX_ATTEMPTS):
            min_cycles = min_cycles if plans else search.min_cycles(allowed)
            configs = search.smallest(search.options(relaxation * min_cycles), allowed)
            if configs is None:
                break
            plan = plan_with(model, configs, lut_rom_bits)
            reduced = _reduced(plan, usable, allowed, fabric)
            if reduced is None:
                plans.append(plan)
                break
            allowed = reduced
    return plans


def _smallest_within(model: Model, max_cycles: int, usable: Resources, lut_rom_bits: int, fabric: Fabric) -> Plan | None:
    """The smallest plan that needs at most ``max_cycles`` and fits; None if none is found."""
    search = ConfigSearch(workloads(model), lut_rom_bits, fabric)
    target, allowed = float(max_cycles), usable
    for _ in range(MAX_ATTEMPTS):
        configs = search.smallest(search.options(target), allowed)
        if configs is None:
            return None
        plan = plan_with(model, configs, lut_rom_bits)
        reduced = _reduced(plan, usable, allowed, fabric)
        if plan.cycles <= max_cycles and reduced is None:
            return plan
        if plan.cycles > max_cycles:
            target *= min(0.99, max_cycles / plan.cycles)
        allowed = reduced or allowed
    return None


def _reduced(plan: Plan, usable: Resources, allowed: Resources, fabric: Fabric) -> Resources | None:
    """What to allow instead of ``allowed``, less what the compiled plan takes too much of; None if it fits."""
    used, limits = asdict(total(estimate(plan, fabric))), asdict(usable)
    excess = {kind: max(0, used[kind] - limits[kind]) for kind in limits}
    if not any(excess.values()):
        return None
    return Resources(**{kind: value - excess[kind] for kind, value in asdict(allowed).items()})
