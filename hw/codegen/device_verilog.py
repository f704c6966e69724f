# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the Verilog of its accelerator behind the link, for the virtual board."""

from ...sw.compiler.lowering import compile_model
from ...sw.link.identity import describe_device
from ...sw.link.packets import BAUD_DIVISORS, DEFAULT_BAUD
from ...sw.model.quantized import Model
from ...sw.plan.report import plan_report
from ..link.linked_accelerator import LinkedAccelerator
from ..module_names import TOP
from .verilog import Artefacts, to_verilog

SIMULATED_CLOCK_HZ = 60e6
"""The clock that a simulated device reports by default."""


def generate_device(model: Model, lanes: int, clock: float = SIMULATED_CLOCK_HZ) -> Artefacts:
    """Generate the device of a model for a total number of multiplier lanes, which reports a clock in Hz.

    Raises FirebrickError if the lanes do not suffice.
    """
    plan = compile_model(model, lanes)
    divisor = max(BAUD_DIVISORS.start, round(clock / DEFAULT_BAUD))
    device = LinkedAccelerator(plan=plan, descriptor=describe_device(model, plan, clock), divisor=divisor)
    text, roms = to_verilog(device, TOP)
    return Artefacts(text, roms, {**plan_report(plan), "clock": clock})
