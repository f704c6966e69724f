# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which layer gets how many lanes: a simple allocator for a given number of multipliers."""

from collections.abc import Mapping, Sequence

from ..errors import FirebrickError
from ..model.quantized import Model
from .engine_config import EngineConfig
from .ilp import solve_ilp
from .workload import EngineWorkload, plain_configurations, workloads

DECODER_LANES = 1
"""What a part counts for besides its lanes, so that fewer parts are chosen where lanes are equal or nearly so: each needs a decoder
and a line buffer of its own."""


def allocate(model: Model, lanes: int) -> dict[str, EngineConfig]:
    """Shares, by engine name, that need the least cycles per frame with at most ``lanes`` multipliers in all.

    Every engine meets the same number of cycles with the least logic; the smallest such number that the lanes allow is taken. Raises
    FirebrickError when there are fewer lanes than engines.
    """
    wanted = workloads(model)
    if lanes < len(wanted):
        raise FirebrickError(f"lanes must be at least {len(wanted)}, one an engine of {model.network.name}, not {lanes}")
    options = {demand.name: plain_configurations(demand) for demand in wanted}
    targets = sorted({demand.cycles(share) for demand in wanted for share in options[demand.name]})
    low, high = 0, len(targets) - 1
    best = _meet(wanted, options, targets[high], lanes)
    while low <= high:
        middle = (low + high) // 2
        shares = _meet(wanted, options, targets[middle], lanes)
        if shares is None:
            low = middle + 1
        else:
            best, high = shares, middle - 1
    if best is None:
        raise FirebrickError(f"{lanes} lanes do not suffice for {model.network.name}; give more")
    return best


def _meet(
    wanted: Sequence[EngineWorkload], options: Mapping[str, Sequence[EngineConfig]], target: float, lanes: int
) -> dict[str, EngineConfig] | None:
    """The shares with the fewest lanes and parts with which every engine meets the target, or None where these are too many."""
    meeting = {demand.name: [share for share in options[demand.name] if demand.cycles(share) <= target] for demand in wanted}
    return solve_ilp(wanted, meeting, _lanes_and_parts, (lanes, lanes * (1 + DECODER_LANES)), (0, 1))


def _lanes_and_parts(_: EngineWorkload, share: EngineConfig) -> tuple[int, int]:
    return share.lanes * share.partitions, (share.lanes + DECODER_LANES) * share.partitions
