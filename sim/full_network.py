# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole network in simulation: photographs streamed back to back, every score compared, every engine's lanes watched."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..sw import golden
from ..sw.data.images import read_images
from ..sw.errors import FirebrickError
from ..sw.model.quantized import Model
from ..sw.plan.nodes import Plan
from ..sw.utils.progress import Progress
from .accelerator_sim import FrameResult, Simulator

FRAMES_MIN = 2
"""Frames from which on there is an interval between two."""
DEVIATION_MAX = 0.01
"""How far measured cycles may be from predicted ones."""


def simulate(model: Model, lanes: int | Plan, pictures: Sequence[Path], frames: int, progress: Progress) -> dict[str, Any]:
    """Stream frames, the pictures one after the other, through so many lanes or a plan; report what was predicted, measured and compared.

    Raises FirebrickError when there are fewer than FRAMES_MIN frames.
    """
    if frames < FRAMES_MIN:
        raise FirebrickError(f"frames must be at least {FRAMES_MIN}, as cycles are counted from one frame to the next, not {frames}")
    views = read_images([pictures[index % len(pictures)] for index in range(frames)], model.preprocessing, model.network.input)
    expected = []
    for index in range(frames):
        progress("golden model", index, frames)
        expected.append(golden.run(model, views[index : index + 1])[0])
    progress("golden model", frames, frames)
    with Simulator(model, lanes=lanes, progress=progress) as simulator:
        start = time.monotonic()
        results = simulator.run(views)
        seconds = time.monotonic() - start
        plan = simulator.report
    mismatches = sum(int(np.count_nonzero(result.scores != scores)) for result, scores in zip(results, expected, strict=True))
    return summary(plan, results, mismatches) | {"simulation_seconds": round(seconds, 2)}


def summary(plan: dict[str, Any], results: Sequence[FrameResult], mismatches: int) -> dict[str, Any]:
    """The report of frames that were streamed back to back; the interval of the last one is taken for the steady state.

    ``busy`` is the share of that interval in which the lanes of the bottleneck, the engine with the most predicted cycles, multiply
    for one frame: the mean of its parts. Busy cycles are counted over all frames, since engines work on several at a time.
    """
    interval = results[-1].cycles
    counts = np.array([result.busy for result in results]).sum(axis=0) / len(results)
    engines, place = [], 0
    for engine in plan["engines"]:
        busy = counts[place : place + engine["parts"]]
        place += engine["parts"]
        engines.append(
            {
                "name": engine["name"],
                "lanes": engine["lanes"],
                "parts": engine["parts"],
                "tiles": engine["tiles"],
                "predicted_cycles": engine["cycles"],
                "predicted_busy_cycles": engine["busy_cycles"],
                "busy_cycles": float(busy.max()),
                "busy": round(float(busy.mean()) / interval, 4),
            }
        )
    bottleneck = max(engines, key=lambda engine: int(engine["predicted_cycles"]))
    predicted = plan["cycles_per_frame"]
    return {
        "network": plan["network"],
        "lanes": plan["lanes"],
        "frames": len(results),
        "scores": sum(len(result.scores) for result in results),
        "mismatches": mismatches,
        "cycles_per_frame": interval,
        "predicted_cycles_per_frame": predicted,
        "deviation": round(interval / predicted - 1, 6),
        "latency_cycles": results[0].cycles,
        "bottleneck": bottleneck["name"],
        "busy": bottleneck["busy"],
        "engines": engines,
    }


def faults(report: dict[str, Any]) -> list[str]:
    """What is wrong with a report, a sentence each."""
    found = []
    if report["mismatches"]:
        found.append(f"{report['mismatches']} of {report['scores']} scores differ from the golden model")
    if abs(report["deviation"]) > DEVIATION_MAX:
        cycles = f"{report['cycles_per_frame']:,} cycles and not the {report['predicted_cycles_per_frame']:,} predicted"
        found.append(f"a frame takes {cycles}, a difference of {report['deviation']:+.1%}")
    if wrong := [engine["name"] for engine in report["engines"] if engine["busy_cycles"] != engine["predicted_busy_cycles"]]:
        found.append(f"lanes multiply in more or fewer cycles than predicted in {', '.join(wrong)}")
    found += [f"bench {bench['name']}: {bench['complaint']}" for bench in report.get("benches", []) if not bench["passed"]]
    return found
