# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The plan as plain data, for reports."""

from typing import Any

from .nodes import ConvSpec, EngineSpec, Plan, SqueezeSpec


def plan_report(plan: Plan) -> dict[str, Any]:
    """A JSON document of a plan.

    ``lanes`` are multipliers, ``cycles`` those of a frame when nothing waits, ``busy_cycles`` those in which lanes multiply,
    ``rom_bits`` the ROM words of codes and gaps, ``rom_reads`` those words that the busier port of a part's ROM reads in a frame, for
    the part that reads most.
    """
    return {
        "network": plan.name,
        "lanes": plan.lanes,
        "cycles_per_frame": plan.cycles,
        "score_bits": plan.global_sum.score_bits,
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
                "entries": [part.weights.entries for part in engine.partitions],
                "cycles": engine.cycles,
                "busy_cycles": engine.busy_cycles,
                "rom_bits": _rom_bits(engine),
                "rom_reads": max(_rom_reads(part) for part in engine.partitions),
                "accumulator_bits": max(part.arithmetic.bits for part in engine.partitions),
                "macs": engine.macs,
            }
            for engine in plan.engines
        ],
    }


def _rom_bits(engine: EngineSpec) -> int:
    streams = [stream for part in engine.partitions for stream in (part.weights.codes, part.weights.zero_runs) if stream is not None]
    return sum(len(stream.words) * stream.width for stream in streams)


def _rom_reads(part: ConvSpec | SqueezeSpec) -> int:
    passes = part.output_height
    return passes * max(len(stream.words) for stream in (part.weights.codes, part.weights.zero_runs) if stream is not None)
