# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The plan as a JSON document, for reports."""

from typing import Any

from .nodes import ConvSpec, EngineSpec, Plan, SqueezeSpec


def plan_report(plan: Plan) -> dict[str, Any]:
    """The JSON document of a plan.

    ``lanes`` counts multipliers, ``fast_lanes`` those at twice the clock, ``lanes_each`` those of one partition, ``parts`` the
    partitions. ``cycles`` are the cycles of a frame without back-pressure, ``busy_cycles`` those in which the lanes multiply. ``rom_bits``
    is the size of the ROM of symbols and zero runs. ``rom_reads`` is the number of words that the busier port of a partition's ROM reads
    in a frame, in the partition that reads most.
    """
    return {
        "network": plan.name,
        "lanes": plan.lanes,
        "fast_lanes": sum(engine.lanes for engine in plan.engines if engine.fast),
        "cycles_per_frame": plan.cycles,
        "score_bits": plan.global_sum.score_bits,
        "score_signed": plan.global_sum.score_signed,
        "macs": sum(engine.macs for engine in plan.engines),
        "rom_bits": sum(_rom_bits(engine) for engine in plan.engines),
        "engines": [
            {
                "name": engine.name,
                "layers": list(engine.layers),
                "lanes": engine.lanes,
                "lanes_each": engine.output.lanes,
                "parts": len(engine.partitions),
                "tiles": engine.output.tiles,
                "fast": engine.fast,
                "entries": [partition.weights.entries for partition in engine.partitions],
                "cycles": engine.cycles,
                "busy_cycles": engine.busy_cycles,
                "rom_bits": _rom_bits(engine),
                "rom_reads": max(_rom_reads(partition) for partition in engine.partitions),
                "accumulator_bits": max(partition.arithmetic.bits for partition in engine.partitions),
                "macs": engine.macs,
            }
            for engine in plan.engines
        ],
    }


def _rom_bits(engine: EngineSpec) -> int:
    streams = [
        stream for partition in engine.partitions for stream in (partition.weights.codes, partition.weights.zero_runs) if stream is not None
    ]
    return sum(len(stream.words) * stream.width for stream in streams)


def _rom_reads(partition: ConvSpec | SqueezeSpec) -> int:
    passes = partition.output_height
    return passes * max(len(stream.words) for stream in (partition.weights.codes, partition.weights.zero_runs) if stream is not None)
