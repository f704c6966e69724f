# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cost of one design point."""

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
"""What is known of a point, JSON-serialisable; see `evaluate_point`."""
Synthesis = Callable[[Plan], Resources]
"""Synthesises a plan. It must be a function of a module, so that it can be sent to other processes."""


def evaluate_point(point: DesignPoint, synthesis: Synthesis | None = None) -> PointResult:
    """Plan a point and count what it costs.

    If no plan fits the target, the plan that takes least is evaluated.

    Args:
        point: model and target.
        synthesis: what also gives the resources from synthesis.

    Returns:
        ``network``, ``parameters``, ``float32_bytes``, ``nonzero`` weights, ``bytes`` of the `.fire` file, ``macs``, ``nonzero_macs``,
        ``cycles`` for a frame, ``lanes``; ``luts``, ``block_rams`` and ``multipliers`` by the cost model; ``synthesised`` (the same three,
        or None); and ``short``, a phrase that names the resources that do not suffice, empty if the plan fits.

    Raises:
        FirebrickError: if there is no such network or plan.
    """
    model, size = _model(point.model_source)
    target, network = point.target, model.network
    plan = best_plan(model, target.available, target.fabric) if target.lanes is None else compile_model(model, target.lanes)
    estimated = total(estimate(plan, target.fabric))
    synthesised = synthesis(plan) if synthesis else None
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
        **asdict(estimated),
        "synthesised": asdict(synthesised) if synthesised else None,
        # Synthesis is exact; an estimate must leave the headroom that planning leaves.
        "short": deficit(target.available, synthesised)
        if synthesised
        else deficit(usable_resources(target.available, target.fabric), estimated),
    }


@lru_cache(maxsize=1)
def _model(source: SyntheticModel | TrainedModel) -> tuple[Model, int]:
    """The model and the size of its file. Points of one model follow each other, so one is kept."""
    model = source.model()
    return model, file_size(model)
