# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fastest plan that a board has room for."""

from collections.abc import Sequence
from dataclasses import asdict

from .allocate import Demand, Share, cheapest, demands, options_of
from .compiler import plan_with
from .errors import FirebrickError
from .model import Model
from .resources import Resources, estimate, shortage, total
from .spec import Plan

LUT_SHARE = 0.87
"""Share of the LUTs that a plan may take: beyond it, placement finds no way."""
LOGIC_BITS = (4 * 1024, 8 * 1024, 12 * 1024, 17 * 1024)
"""Up to how many bits the last bank of a ROM may be logic: what is tried. A full bank never is."""
ROUNDS = 24
"""How often prices are raised before a target counts as out of reach."""
TRIES = 6


def plan_for(model: Model, available: Resources, choices: Sequence[int] = LOGIC_BITS) -> Plan:
    """The plan with the fewest cycles a frame whose estimate the resources cover. Raises FirebrickError where there is none.

    ``choices``: up to how many bits the last bank of a ROM may be logic, those that are tried.
    """
    room = Resources(int(available.luts * LUT_SHARE), available.block_rams, available.multipliers)
    wanted = demands(model)
    plans = [plan for logic_bits in choices if (plan := _plan(model, wanted, room, logic_bits))]
    if plans:
        return min(plans, key=lambda plan: (plan.cycles, total(estimate(plan)).luts))
    options, costs = _costs(wanted, choices[-1])
    least = cheapest(wanted, options, float("inf"), lambda demand, share: costs[demand.name, share].block_rams)
    short = shortage(room, total(estimate(plan_with(model, least or {}, choices[-1]))))
    raise FirebrickError(f"{model.network.name} does not fit: even a slow plan needs {short}; take fewer classes, a smaller model or board")


def smallest_plan(model: Model, available: Resources, cycles: int, choices: Sequence[int] = LOGIC_BITS) -> Plan:
    """The plan that takes the smallest share of the resources and at most so many cycles a frame; ``choices`` as for ``plan_for``.

    Raises FirebrickError where there is none, which says how few cycles there can be.
    """
    fastest = plan_for(model, available, choices)
    if fastest.cycles > cycles:
        least = f"the fastest {fastest.cycles:,}"
        raise FirebrickError(f"no plan takes {cycles:,} cycles a frame or fewer, {least}; ask for fewer frames a second")
    room = Resources(int(available.luts * LUT_SHARE), available.block_rams, available.multipliers)
    wanted = demands(model)
    plans = [fastest]
    for logic_bits in choices:
        options, costs = _costs(wanted, logic_bits)
        aim = float(cycles)
        for _ in range(TRIES):
            shares = _within(wanted, options, costs, aim, room)
            if shares is None:
                break
            plan = plan_with(model, shares, logic_bits)
            if plan.cycles <= cycles:
                plans += [plan] if not shortage(room, total(estimate(plan))) else []
                break
            aim *= min(0.99, cycles / plan.cycles)
    have = asdict(room)
    return min(plans, key=lambda plan: sum(need / max(1, have[kind]) for kind, need in asdict(total(estimate(plan))).items()))


def _plan(model: Model, wanted: tuple[Demand, ...], room: Resources, logic_bits: int) -> Plan | None:
    """The fastest plan for a way to lay out ROMs: where the plan needs more than was expected before compiling, less is asked for."""
    options, costs = _costs(wanted, logic_bits)
    aim = room
    for _ in range(TRIES):
        shares = _fastest(wanted, options, costs, aim)
        if shares is None:
            return None
        plan = plan_with(model, shares, logic_bits)
        needed = asdict(total(estimate(plan)))
        over = {kind: needed[kind] - have for kind, have in asdict(room).items()}
        if max(over.values()) <= 0:
            return plan
        aim = Resources(**{kind: value - max(0, over[kind]) for kind, value in asdict(aim).items()})
    return None


def _costs(
    wanted: tuple[Demand, ...], logic_bits: int
) -> tuple[dict[str, list[Share]], dict[tuple[str, Share], Resources]]:
    """The shares that each engine may have, and what it takes with each."""
    options = {demand.name: options_of(demand) for demand in wanted}
    return options, {(demand.name, share): demand.resources(share, logic_bits) for demand in wanted for share in options[demand.name]}


def _fastest(
    wanted: tuple[Demand, ...], options: dict[str, list[Share]], costs: dict[tuple[str, Share], Resources], room: Resources
) -> dict[str, Share] | None:
    """The shares of the least number of cycles that the room allows, as far as is known before compiling."""
    targets = sorted({demand.cycles(share) for demand in wanted for share in options[demand.name]})
    low, high, best = 0, len(targets) - 1, None
    while low <= high:
        middle = (low + high) // 2
        shares = _within(wanted, options, costs, targets[middle], room)
        if shares is None:
            low = middle + 1
        else:
            best, high = shares, middle - 1
    return best


def _within(
    wanted: tuple[Demand, ...],
    options: dict[str, list[Share]],
    costs: dict[tuple[str, Share], Resources],
    target: float,
    room: Resources,
) -> dict[str, Share] | None:
    """Shares that meet the target within the room: whatever is short becomes dearer until the cheapest shares fit."""
    have = asdict(room)
    prices = {kind: 1 / max(1, count) for kind, count in have.items()}
    for _ in range(ROUNDS):
        priced = {
            key: cost.luts * prices["luts"] + cost.block_rams * prices["block_rams"] + cost.multipliers * prices["multipliers"]
            for key, cost in costs.items()
        }
        shares = cheapest(wanted, options, target, lambda demand, share, priced=priced: priced[demand.name, share])  # type: ignore[misc]
        if shares is None:
            return None
        need = asdict(sum((costs[key] for key in shares.items()), Resources()))
        if all(need[kind] <= have[kind] for kind in have):
            return shares
        prices = {kind: price * (need[kind] / max(1, have[kind])) ** 2 for kind, price in prices.items()}
    return None
