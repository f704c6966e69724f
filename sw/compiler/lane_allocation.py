# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fastest configurations with a given number of multipliers, whatever device they are for."""

from collections.abc import Mapping, Sequence

from ..errors import FirebrickError
from ..model.quantized import Model
from .configurations import plain_configurations
from .engine_config import EngineConfig
from .ilp import solve_ilp
from .workload import EngineWorkload, workloads

DECODER_LANES = 1
"""Lanes that a partition counts for in addition to its own: each needs a decoder and a line buffer, so fewer partitions are better."""


def allocate(model: Model, lanes: int) -> dict[str, EngineConfig]:
    """Configurations, by engine name, with the fewest cycles for a frame and at most ``lanes`` multipliers in all.

    A binary search finds the smallest number of cycles that every engine can meet; the configurations are those with the least logic that
    meet it. Raises FirebrickError if there are fewer lanes than engines.
    """
    engines = workloads(model)
    if lanes < len(engines):
        raise FirebrickError(f"lanes must be at least {len(engines)}, one an engine of {model.network.name}, not {lanes}")
    options = {workload.name: plain_configurations(workload) for workload in engines}
    targets = sorted({workload.cycles(config) for workload in engines for config in options[workload.name]})
    low, high = 0, len(targets) - 1
    best = _smallest(engines, options, targets[high], lanes)
    while low <= high:
        middle = (low + high) // 2
        configs = _smallest(engines, options, targets[middle], lanes)
        if configs is None:
            low = middle + 1
        else:
            best, high = configs, middle - 1
    if best is None:
        raise FirebrickError(f"{lanes} lanes do not suffice for {model.network.name}; give more")
    return best


def _smallest(
    engines: Sequence[EngineWorkload], options: Mapping[str, Sequence[EngineConfig]], max_cycles: float, lanes: int
) -> dict[str, EngineConfig] | None:
    """The configurations with the fewest lanes and partitions that need at most ``max_cycles``; None if they need too many lanes."""
    fast_enough = {
        workload.name: [config for config in options[workload.name] if workload.cycles(config) <= max_cycles] for workload in engines
    }
    return solve_ilp(engines, fast_enough, _lanes_and_decoders, (lanes, lanes * (1 + DECODER_LANES)), (0, 1))


def _lanes_and_decoders(_: EngineWorkload, config: EngineConfig) -> tuple[int, int]:
    return config.lanes * config.partitions, (config.lanes + DECODER_LANES) * config.partitions
