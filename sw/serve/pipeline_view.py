# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A model for the page: the part of an image that it sees, and its planned pipeline."""

from typing import Any

from ..compiler.lowering import compile_model
from ..errors import FirebrickError
from ..model.quantized import Model
from ..plan.report import plan_report


def describe_input(model: Model) -> dict[str, int]:
    """What a model sees of an image, {resize, height, width}: a central crop of height x width once the short side is ``resize``."""
    image = model.preprocessing.image_shape(model.network.input)
    return {"resize": model.preprocessing.resize, "height": image.height, "width": image.width}


def describe_pipeline(model: Model, lanes: int) -> dict[str, Any]:
    """The plan of a model as {lanes, cycles, engines: [{name, lanes, cycles, load}], problem}.

    The load is the fraction of a frame's cycles in which an engine's lanes multiply, 0 to 1. If the network cannot be built, ``problem``
    says why and there are no engines.
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
