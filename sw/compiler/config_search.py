# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The search for configurations by what is known before compiling: cycles and resources of each engine with each configuration."""

from functools import lru_cache
from operator import le

from ..errors import FirebrickError
from ..fpga.fabric import Fabric
from ..fpga.resources import Resources
from .configurations import configurations
from .engine_config import EngineConfig
from .ilp import Usage, solve_ilp
from .workload import EngineWorkload
from .workload_resources import workload_resources

LUT_EMPHASIS = 10
"""How much more a LUT costs than block RAMs and multipliers, relative to their limits: LUTs limit most plans."""


class ConfigSearch:
    """Chooses configurations for all engines.

    Args:
        workloads: the engines in order.
        lut_rom_bits: largest last bank of a ROM, in bits, that is made a LUT ROM.
        fabric: the family of the device.
    """

    def __init__(self, workloads: tuple[EngineWorkload, ...], lut_rom_bits: int, fabric: Fabric) -> None:
        self._workloads = workloads
        self._fabric = fabric
        self._cycles = _cycles(workloads, fabric)
        self._usage = {
            workload.name: {
                config: (
                    *_counts(workload_resources(workload, config, lut_rom_bits, fabric)),
                    config.lanes * config.partitions * config.lut_multipliers,
                )
                for config in self._cycles[workload.name]
            }
            for workload in workloads
        }

    def min_cycles(self, limits: Resources) -> float:
        """The smallest number of cycles for a frame that the limits allow; infinite if they allow no choice at all."""
        targets = sorted({cycles for options in self._cycles.values() for cycles in options.values()})
        low, high = 0, len(targets)
        while low < high:
            middle = (low + high) // 2
            if self.smallest(self.options(targets[middle]), limits) is None:
                low = middle + 1
            else:
                high = middle
        return targets[low] if low < len(targets) else float("inf")

    def options(self, max_cycles: float) -> dict[str, list[EngineConfig]]:
        """The configurations with which each engine is fast enough.

        A configuration is left out if an earlier one with the same interface takes no more of anything.
        """
        options: dict[str, list[EngineConfig]] = {}
        for workload in self._workloads:
            by_interface: dict[tuple[int, bool, bool, bool], list[EngineConfig]] = {}
            usage = self._usage[workload.name]
            for config, cycles in self._cycles[workload.name].items():
                rivals = by_interface.setdefault((config.lanes, config.paired, config.wide_words, config.serialized), [])
                if cycles <= max_cycles and not any(all(map(le, usage[rival], usage[config])) for rival in rivals):
                    rivals.append(config)
            options[workload.name] = [config for rivals in by_interface.values() for config in rivals]
        return options

    def least(self, limits: Resources) -> dict[str, EngineConfig]:
        """The configurations, however slow, for which the largest used fraction of a limit is smallest.

        Raises FirebrickError if there are none, because no two engines of a bypass can be joined, say.
        """
        configs = solve_ilp(self._workloads, self.options(float("inf")), self._usage_of, self._usage_limits(limits))
        if configs is None:
            raise FirebrickError("no lanes suit all engines of the network")
        return configs

    def smallest(self, options: dict[str, list[EngineConfig]], limits: Resources) -> dict[str, EngineConfig] | None:
        """The configurations among the options that take the fewest LUTs, and few of all else; None if all exceed the limits."""
        luts, *others = unit_costs(limits)
        costs = (luts, *(cost / LUT_EMPHASIS for cost in others), 0.0)
        return solve_ilp(self._workloads, options, self._usage_of, self._usage_limits(limits), costs)

    def _usage_of(self, workload: EngineWorkload, config: EngineConfig) -> Usage:
        return self._usage[workload.name][config]

    def _usage_limits(self, limits: Resources) -> Usage:
        return *_counts(limits), limits.multipliers // self._fabric.multipliers_per_lut_multiplier


@lru_cache(maxsize=1)
def _cycles(workloads: tuple[EngineWorkload, ...], fabric: Fabric) -> dict[str, dict[EngineConfig, float]]:
    """For each engine, its possible configurations and the cycles that it then needs."""
    return {workload.name: {config: workload.cycles(config) for config in configurations(workload, fabric)} for workload in workloads}


def unit_costs(limits: Resources) -> list[float]:
    """Costs of one LUT, block RAM and multiplier, for which using up the limit of one costs as much as of another."""
    return [1 / max(1, count) for count in _counts(limits)]


def _counts(resources: Resources) -> tuple[int, int, int]:
    return resources.luts, resources.block_rams, resources.multipliers
