# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to its accelerator on a bus, ready to be converted to Verilog."""

from ...sw.link.register_map import describe_core
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ..accelerator import Accelerator
from ..bus.bus_accelerator import BusAccelerator
from ..bus.top import BusOptions, BusTop


def bus_top(model: Model, plan: Plan, options: BusOptions) -> BusTop:
    """The accelerator of a model, built to a plan, with the ports of a bus."""
    core = BusAccelerator(
        accelerator=Accelerator(plan=plan),
        global_sum=plan.global_sum,
        descriptor=describe_core(model, plan),
        stream_bytes=options.stream_bytes,
    )
    return BusTop(core=core, options=options)
