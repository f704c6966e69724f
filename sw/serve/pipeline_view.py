# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The pipeline for viewers: each engine, and the share of a frame's cycles in which its lanes multiply, as the compiler predicts it."""

from typing import Any

from ..compiler.lowering import compile_model
from ..errors import FirebrickError
from ..model.quantized import Model
from ..plan.report import plan_report


def describe_pipeline(model: Model, lanes: int) -> dict[str, Any]:
    """{lanes, cycles, engines: [{name, lanes, cycles, load}], problem}, load from 0 to 1.

    Where the network cannot be built, ``problem`` says why and there are no engines.
    """
    try:
        report = plan_report(compile_model(model, lanes))
    except FirebrickError as problem:
        return {"lanes": 0, "cycles": 0, "engines": [], "problem": str(problem)}
    cycles = report["cycles_per_frame"]
    engines = [
        {"name": engine["name"], "lanes": engine["lanes"], "cycles": engine["cycles"], "load": engine["busy_cycles"] / cycles}
        for engine in report["engines"]
    ]
    return {"lanes": report["lanes"], "cycles": cycles, "engines": engines, "problem": None}
