# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the Verilog of its accelerator on a bus."""

from ...sw.compiler.lowering import compile_model
from ...sw.link.register_map import describe_core
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.plan.report import plan_report
from ...sw.utils.progress import Progress, no_progress
from ..accelerator import Accelerator
from ..bus.bus_accelerator import BusAccelerator
from ..bus.top import BusOptions, BusTop
from ..module_names import TOP
from .verilog import Artefacts, convert_top


def generate_on_bus(model: Model, lanes: int | Plan, options: BusOptions, progress: Progress = no_progress) -> Artefacts:
    """Generate the accelerator of a model on a bus, for a total number of multiplier lanes or a plan of the model.

    ``progress`` is called with the name of each step. Raises FirebrickError if the lanes do not suffice.
    """
    progress("planning")
    plan = lanes if isinstance(lanes, Plan) else compile_model(model, lanes)
    progress("writing Verilog")
    text, roms = convert_top(bus_top(model, plan, options), TOP)
    return Artefacts(text, roms, {**plan_report(plan), "bus": vars(options)})


def bus_top(model: Model, plan: Plan, options: BusOptions) -> BusTop:
    """The accelerator of a model, built to a plan, with the ports of a bus."""
    core = BusAccelerator(
        accelerator=Accelerator(plan=plan),
        global_sum=plan.global_sum,
        descriptor=describe_core(model, plan),
        stream_bytes=options.stream_bytes,
    )
    return BusTop(core=core, options=options)
