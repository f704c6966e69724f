# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Simulation of a whole network: photographs streamed back to back, scores compared, cycles and busy lanes measured."""

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
"""The fewest frames with an interval between two."""
DEVIATION_MAX = 0.01
"""The largest accepted relative deviation of measured cycles from predicted ones.

Predictions leave out short stalls between neighbouring engines, which stay below 1 % in all shipped models.
"""


def simulate(model: Model, lanes: int | Plan, images: Sequence[Path], frames: int, progress: Progress) -> dict[str, Any]:
    """Stream frames, the images in turn, through the simulated accelerator, and report scores and cycles, measured and predicted.

    ``lanes`` is the total number of multipliers, or a plan of the model. The golden model computes the expected scores.
    Raises FirebrickError when there are fewer than FRAMES_MIN frames.
    """
    if frames < FRAMES_MIN:
        raise FirebrickError(f"frames must be at least {FRAMES_MIN}, as cycles are counted from one frame to the next, not {frames}")
    inputs = read_images([images[index % len(images)] for index in range(frames)], model.preprocessing, model.network.input)
    expected = []
    for index in range(frames):
        progress("golden model", index, frames)
        expected.append(golden.run(model, inputs[index : index + 1])[0])
    progress("golden model", frames, frames)
    with Simulator(model, lanes=lanes, progress=progress) as simulator:
        start = time.monotonic()
        results = simulator.run(inputs)
        seconds = time.monotonic() - start
        plan = simulator.report
    mismatches = sum(int(np.count_nonzero(result.scores != scores)) for result, scores in zip(results, expected, strict=True))
    return summary(plan, results, mismatches) | {"simulation_seconds": round(seconds, 2)}


def summary(plan: dict[str, Any], results: Sequence[FrameResult], mismatches: int) -> dict[str, Any]:
    """The report of frames that were streamed back to back.

    The interval before the last frame's last score counts as steady state. ``busy`` is the fraction of it in which the lanes of the
    bottleneck, the engine with the most predicted cycles, multiply for one frame, averaged over its partitions. Busy cycles are averaged
    over all frames, since engines work on several frames at the same time.
    """
    interval = results[-1].cycles
    counts = np.array([result.busy for result in results]).sum(axis=0) / len(results)
    engines, start = [], 0
    for engine in plan["engines"]:
        busy = counts[start : start + engine["parts"]]
        start += engine["parts"]
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
    """What is wrong according to a report, one sentence each."""
    sentences = []
    if report["mismatches"]:
        sentences.append(f"{report['mismatches']} of {report['scores']} scores differ from the golden model")
    if abs(report["deviation"]) > DEVIATION_MAX:
        cycles = f"{report['cycles_per_frame']:,} cycles and not the {report['predicted_cycles_per_frame']:,} predicted"
        sentences.append(f"a frame takes {cycles}, a difference of {report['deviation']:+.1%}")
    if wrong := [engine["name"] for engine in report["engines"] if engine["busy_cycles"] != engine["predicted_busy_cycles"]]:
        sentences.append(f"lanes multiply in more or fewer cycles than predicted in {', '.join(wrong)}")
    sentences += [f"bench {bench['name']}: {bench['complaint']}" for bench in report.get("benches", []) if not bench["passed"]]
    return sentences
