# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the Verilog of its accelerator behind the link."""

from ...sw.compiler import compile_model
from ...sw.link.identity import identity_of
from ...sw.link.packets import BAUD
from ...sw.model import Model
from ...sw.report import plan_report
from ..generate import TOP, Artefacts, to_verilog
from .device import LinkedAccelerator

CLOCK = 60e6
"""Hz that a simulated device says it has."""


def generate_device(model: Model, lanes: int) -> Artefacts:
    """Generate the device of a model for a total number of multiplier lanes. Raises FirebrickError where the lanes do not suffice."""
    plan = compile_model(model, lanes)
    device = LinkedAccelerator(plan=plan, identity=identity_of(model, plan, CLOCK), divisor=round(CLOCK / BAUD))
    text, roms = to_verilog(device, TOP)
    return Artefacts(text, roms, {**plan_report(plan), "clock": CLOCK})
