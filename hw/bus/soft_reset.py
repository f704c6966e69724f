# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A reset of the accelerator that keeps the streams legal."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

RESET_CYCLES = 32
"""Cycles of the reset: more than the pipelines of ROMs have stages, and more than the beats that wait in front of the accelerator."""


class SoftReset(wiring.Component):
    """Resets the accelerator on request, once the scores that are being sent have left.

    ::

        cycle     0  1  2  3  4  5  ...   n   n+1
        request   .  1  .  .  .  .  .     .   .
        sending   1  1  1  1  .  .  .     .   .
        halt      .  .  1  1  1  1  1     1   .
        clear     .  .  .  .  1  1  1     1   .         for RESET_CYCLES
        done      .  .  .  .  .  .  .     1   .

    Members
    -------
    request: ``In(1)``; a further one while ``halt`` is 1 has no effect
    abort_request: ``In(1)``; with ``request``: the packet that is being received is forgotten, too
    sending: ``In(1)``; the scores of a frame are leaving; with ``halt`` no others begin to
    halt: ``Out(1)``; no frame goes on or begins
    clear: ``Out(1)``; reset the accelerator
    abort: ``Out(1)``; forget the packet that is being received
    done: ``Out(1)``; the last cycle of the reset
    """

    request: Signal
    abort_request: Signal
    sending: Signal
    halt: Signal
    clear: Signal
    abort: Signal
    done: Signal

    def __init__(self) -> None:
        inputs = {name: In(1) for name in ("request", "abort_request", "sending")}
        super().__init__({**inputs, **{name: Out(1) for name in ("halt", "clear", "abort", "done")}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(range(RESET_CYCLES))
        m.d.comb += [self.clear.eq(self.halt & ~self.sending), self.done.eq(self.clear & (count == RESET_CYCLES - 1))]
        with m.If(self.clear):
            m.d.sync += count.eq(count + 1)
        with m.If(self.done):
            m.d.sync += [count.eq(0), self.halt.eq(0), self.abort.eq(0)]
        with m.Elif(self.request & ~self.halt):
            m.d.sync += [self.halt.eq(1), self.abort.eq(self.abort_request)]
        return m
