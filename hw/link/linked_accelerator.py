# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator behind its link: all of a device but the UART or USB port."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.identity import DeviceDescriptor
from ...sw.link.packets import BAUD_DIVISORS
from ...sw.plan.nodes import Plan
from ..accelerator import Accelerator
from .endpoint import LinkEndpoint


class LinkedAccelerator(wiring.Component):
    """Bytes of packets in, bytes of packets out (docs/protocol.md).

    Parameters
    ----------
    plan: the compiler's plan of the model
    descriptor: the device descriptor for the host
    divisor: clock cycles per bit of a serial line at the default rate
    reloadable: the descriptor can be replaced in a finished bitstream

    Members
    -------
    received: ``In(stream.Signature(8))``; from the host, always ready
    sent: ``Out(stream.Signature(8))``; to the host
    baud_reset: ``In(1)``, divisor: ``Out(...)``; as in ``LinkEndpoint``
    """

    received: stream.Interface
    sent: stream.Interface
    baud_reset: Signal
    divisor: Signal

    def __init__(self, *, plan: Plan, descriptor: DeviceDescriptor, divisor: int, reloadable: bool = False) -> None:
        self._plan = plan
        self._link = LinkEndpoint(global_sum=plan.global_sum, descriptor=descriptor, divisor=divisor, reloadable=reloadable)
        byte = stream.Signature(unsigned(8))
        super().__init__({"received": In(byte), "sent": Out(byte), "baud_reset": In(1), "divisor": Out(range(BAUD_DIVISORS.stop))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.link = link = self._link
        m.submodules.accelerator = accelerator = Accelerator(plan=self._plan)
        wiring.connect(m, wiring.flipped(self.received), link.received)
        wiring.connect(m, link.sent, wiring.flipped(self.sent))
        wiring.connect(m, link.frames, accelerator.input)
        wiring.connect(m, accelerator.output, link.scores)
        m.d.comb += [link.baud_reset.eq(self.baud_reset), self.divisor.eq(link.divisor)]
        m.d.sync += link.busy.eq(accelerator.busy.any())
        return m
