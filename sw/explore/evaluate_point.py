# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What one point costs."""

from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from ..compiler.lowering import compile_model
from ..compiler.planner import best_plan, usable_resources
from ..fire_format.file import file_size
from ..fpga.cost_model import estimate
from ..fpga.resources import Resources, deficit, total
from ..model.quantized import Model
from ..network.metaparameters import float_bytes
from ..plan.nodes import Plan
from .design_points import DesignPoint, SyntheticModel, TrainedModel

PointResult = dict[str, Any]
"""What was measured of a point, as plain data; see `measure`."""
Synthesis = Callable[[Plan], Resources]
"""What a plan takes, from synthesis. It must be a function of a module, so that it can go to other processes."""


def evaluate_point(point: DesignPoint, synthesis: Synthesis | None = None) -> PointResult:
    """Plan a point and count.

    Found are ``network``, ``parameters``, ``float32_bytes``, ``nonzero`` weights, ``bytes`` of the `.fire` file, ``macs``,
    ``nonzero_macs``, ``cycles`` a frame, ``lanes``, ``luts``, ``block_rams`` and ``multipliers`` as the cost model has them,
    ``synthesised`` (the same three, or None), and ``short``: what the device has too little of, empty where the plan fits. Where no plan
    fits, the plan is the one that takes least. Raises FirebrickError where there is no such network or plan.
    """
    model, size = _model(point.model_source)
    target = point.target
    plan = best_plan(model, target.available, target.fabric) if target.lanes is None else compile_model(model, target.lanes)
    needed = total(estimate(plan, target.fabric))
    actual = synthesis(plan) if synthesis else None
    network = model.network
    positions = {layer.name: layer.output.height * layer.output.width for layer in network.layers()}
    return {
        "network": network.name,
        "parameters": sum(layer.parameters for layer in network.layers()),
        "float32_bytes": float_bytes(network),
        "nonzero": sum(layer.nonzero for layer in model.layers.values()),
        "bytes": size,
        "macs": sum(layer.macs for layer in network.layers()),
        "nonzero_macs": sum(layer.nonzero * positions[name] for name, layer in model.layers.items()),
        "cycles": plan.cycles,
        "lanes": plan.lanes,
        **asdict(needed),
        "synthesised": asdict(actual) if actual else None,
        "short": deficit(target.available, actual) if actual else deficit(usable_resources(target.available, target.fabric), needed),
    }


@lru_cache(maxsize=1)
def _model(subject: SyntheticModel | TrainedModel) -> tuple[Model, int]:
    """A model and the bytes of its file; points of one subject follow each other."""
    model = subject.model()
    return model, file_size(model)
