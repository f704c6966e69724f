# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The registers of an accelerator on a bus."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.register_map import BY_NAME, EVENT_BITS, REGISTERS
from .signatures import TARGET

EVENTS = data.StructLayout({field.name.lower(): 1 for field in BY_NAME["EVENTS"].fields})
"""What has happened in a cycle; a bit for each field of EVENTS."""
STATUS = data.StructLayout({"receiving": 1, "sending": 1, "in_flight": 8})


class Registers(wiring.Component):
    """Counts events and answers accesses to the registers of ``sw/link/register_map.py``.

    Latency: LATENCY cycle from request to response. Throughput: one access a cycle.

    Parameters
    ----------
    constants: the values of the registers that never change, by name

    Members
    -------
    requests: ``In(stream.Signature(REQUEST))``
    responses: ``Out(stream.Signature(RESPONSE))``
    events: ``In(EVENTS)``; what happens in this cycle
    received: ``In(1)``; a frame was received whole
    status: ``In(STATUS)``
    resetting: ``In(1)``; a soft reset has not ended
    reset: ``Out(1)``, abort: ``Out(1)``; a soft reset is asked for in this cycle
    irq: ``Out(1)``; an event has happened whose interrupt is enabled, and was not cleared; a register
    """

    LATENCY = 1

    requests: stream.Interface
    responses: stream.Interface
    events: Any
    received: Signal
    status: Any
    resetting: Signal
    reset: Signal
    abort: Signal
    irq: Signal

    def __init__(self, *, constants: Mapping[str, int]) -> None:
        self._constants = dict(constants)
        super().__init__(
            {
                **TARGET,
                "events": In(EVENTS),
                "received": In(1),
                "status": In(STATUS),
                "resetting": In(1),
                "reset": Out(1),
                "abort": Out(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        request = self.requests.payload
        taken = Signal()
        written = Signal(32)  # the bits that are written and 1
        clear_counters = Signal()
        m.d.comb += [
            self.requests.ready.eq(~self.responses.valid | self.responses.ready),
            taken.eq(self.requests.valid & self.requests.ready),
            written.eq(request.data & Cat(bit.replicate(8) for bit in request.strobe)),
        ]

        def accessed(name: str, *, write: bool) -> Value:
            return Value.cast(taken & (request.write == write) & (request.address == BY_NAME[name].offset // 4))

        reset_bit, abort_bit, clear_bit = (field.low for field in BY_NAME["CONTROL"].fields)
        with m.If(accessed("CONTROL", write=True)):
            m.d.comb += [self.reset.eq(written[reset_bit]), self.abort.eq(written[abort_bit]), clear_counters.eq(written[clear_bit])]

        # Events: what happens in the cycle of a clearing is kept.
        events = Signal(EVENT_BITS)
        irq_enable = Signal(EVENT_BITS)
        cleared = Signal(EVENT_BITS)
        m.d.comb += cleared.eq(Mux(accessed("EVENTS", write=True), written, 0))
        m.d.sync += [events.eq((events & ~cleared) | Value.cast(self.events)), self.irq.eq((events & ~cleared & irq_enable).any())]
        with m.If(accessed("IRQ_ENABLE", write=True) & request.strobe[0]):
            m.d.sync += irq_enable.eq(request.data)

        counted = {
            "FRAMES_IN": self.received,
            "FRAMES_OUT": self.events.done,
            "SHORT_FRAMES": self.events.short,
            "LONG_FRAMES": self.events.long,
        }
        counters = {name: Signal(32, name=name.lower()) for name in counted}
        cycles = Signal(64)
        cycles_high = Signal(32)
        m.d.sync += [cycles.eq(cycles + 1), *(counter.eq(counter + counted[name]) for name, counter in counters.items())]
        with m.If(clear_counters):
            m.d.sync += [cycles.eq(0), *(counter.eq(0) for counter in counters.values())]
        with m.If(accessed("CYCLES_LOW", write=False)):
            m.d.sync += cycles_high.eq(cycles[32:])

        busy = (self.status.in_flight != 0) | self.status.receiving | self.status.sending
        values = {
            **{name: Const(value, 32) for name, value in self._constants.items()},
            "CONTROL": Cat(self.resetting),
            "STATUS": Cat(busy, self.status.receiving, self.status.sending, Const(0, 5), self.status.in_flight),
            "EVENTS": events,
            "IRQ_ENABLE": irq_enable,
            **counters,
            "CYCLES_LOW": cycles[:32],
            "CYCLES_HIGH": cycles_high,
        }
        with m.If(taken):
            m.d.sync += [self.responses.valid.eq(1), self.responses.payload.data.eq(0), self.responses.payload.error.eq(0)]
            with m.Switch(request.address):
                for register in REGISTERS:
                    with m.Case(register.offset // 4):
                        m.d.sync += self.responses.payload.data.eq(Mux(request.write, 0, values[register.name]))
                with m.Default():
                    m.d.sync += self.responses.payload.error.eq(1)
        with m.Elif(self.responses.ready):
            m.d.sync += self.responses.valid.eq(0)
        return m
