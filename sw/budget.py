# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fastest plan that a board has room for."""

from dataclasses import asdict

from .allocate import Demand, Share, cheapest, demands, options_of
from .compiler import plan_with
from .errors import FirebrickError
from .model import Model
from .resources import Resources, estimate, shortage, total
from .spec import Plan

LUT_SHARE = 0.85
"""Share of the LUTs that a plan may take: beyond it, placement finds no way."""
ROUNDS = 24
"""How often prices are raised before a target counts as out of reach."""
TRIES = 6


def plan_for(model: Model, available: Resources) -> Plan:
    """The plan with the fewest cycles a frame whose estimate the resources cover. Raises FirebrickError where there is none."""
    room = Resources(int(available.luts * LUT_SHARE), available.block_rams, available.multipliers)
    wanted = demands(model)
    options = {demand.name: options_of(demand) for demand in wanted}
    costs = {(demand.name, share): demand.resources(share) for demand in wanted for share in options[demand.name]}
    short = ""
    aim = room
    for _ in range(TRIES):
        shares = _fastest(wanted, options, costs, aim)
        if shares is None:
            break
        plan = plan_with(model, shares)
        needed = total(estimate(plan))
        short = shortage(room, needed)
        if not short:
            return plan
        over = {kind: max(0, value - getattr(room, kind)) for kind, value in asdict(needed).items()}
        aim = Resources(**{kind: value - over[kind] for kind, value in asdict(aim).items()})
    if not short:
        least = cheapest(wanted, options, float("inf"), lambda demand, share: costs[demand.name, share].block_rams)
        short = shortage(room, total(estimate(plan_with(model, least)))) if least else ""
    raise FirebrickError(f"{model.network.name} does not fit: even a slow plan needs {short}; take fewer classes, a smaller model or board")


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
