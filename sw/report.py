# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The plan as plain data, for reports."""

from typing import Any

from .spec import EngineSpec, Plan


def plan_report(plan: Plan) -> dict[str, Any]:
    """A JSON document of a plan.

    ``lanes`` are multipliers, ``cycles`` those of a frame when nothing waits, ``busy_cycles`` those in which lanes multiply,
    ``rom_bits`` the ROM words of codes and gaps.
    """
    return {
        "network": plan.name,
        "lanes": plan.lanes,
        "cycles_per_frame": plan.cycles,
        "score_bits": plan.average.score_bits,
        "macs": sum(engine.macs for engine in plan.engines),
        "rom_bits": sum(_rom_bits(engine) for engine in plan.engines),
        "engines": [
            {
                "name": engine.name,
                "layers": list(engine.layers),
                "lanes": engine.lanes,
                "lanes_each": engine.output.lanes,
                "parts": len(engine.parts),
                "tiles": engine.output.tiles,
                "entries": [part.weights.entries for part in engine.parts],
                "cycles": engine.cycles,
                "busy_cycles": engine.busy_cycles,
                "rom_bits": _rom_bits(engine),
                "accumulator_bits": max(part.arithmetic.bits for part in engine.parts),
                "macs": engine.macs,
            }
            for engine in plan.engines
        ],
    }


def _rom_bits(engine: EngineSpec) -> int:
    streams = [stream for part in engine.parts for stream in (part.weights.codes, part.weights.gaps) if stream is not None]
    return sum(len(stream.words) * stream.width for stream in streams)
