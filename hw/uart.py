# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An asynchronous serial line: 8 bits, no parity, 1 stop bit."""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..sw.spec import AverageSpec
from .average import scores

SCORE_BYTES = 4
"""Bytes of a score on the line, least significant first."""


class UartReceiver(wiring.Component):
    """Takes bytes from a line, each offered for one cycle: whoever listens is always ready, or loses them.

    Bits are sampled in their middle. A byte whose stop bit is missing is dropped.

    Parameters
    ----------
    divisor: clock cycles a bit, at least 4

    Members
    -------
    line: ``In(1)``; idle high, not synchronous to anything
    output: ``Out(stream.Signature(8, always_ready=True))``
    """

    line: Signal
    output: stream.Interface

    def __init__(self, *, divisor: int) -> None:
        self._divisor = _checked(divisor)
        super().__init__({"line": In(1), "output": Out(stream.Signature(unsigned(8), always_ready=True))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        early, line = Signal(init=1), Signal(init=1)  # two flip-flops, as the line changes at any time
        bits, count, timer = Signal(8), Signal(range(10)), Signal(range(self._divisor))
        m.d.comb += self.output.payload.eq(bits)
        m.d.sync += [early.eq(self.line), line.eq(early), self.output.valid.eq(0), timer.eq(timer - 1)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq(self._divisor // 2 - 1), count.eq(0)]
                with m.If(~line):
                    m.next = "BITS"
            with m.State("BITS"), m.If(timer == 0):
                m.d.sync += [timer.eq(self._divisor - 1), count.eq(count + 1)]
                with m.If((count == 0) & line):  # no start bit after all
                    m.next = "IDLE"
                with m.If(count == 9):
                    m.d.sync += self.output.valid.eq(line)
                    m.next = "IDLE"
                with m.Else():
                    m.d.sync += bits.eq(Cat(bits[1:], line))
        return m


class UartTransmitter(wiring.Component):
    """Sends bytes on a line, 10 bits a byte.

    Parameters
    ----------
    divisor: clock cycles a bit, at least 4

    Members
    -------
    input: ``In(stream.Signature(8))``
    line: ``Out(1)``; idle high
    """

    input: stream.Interface
    line: Signal

    def __init__(self, *, divisor: int) -> None:
        self._divisor = _checked(divisor)
        super().__init__({"input": In(stream.Signature(unsigned(8))), "line": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits, left, timer = Signal(9, init=0x1FF), Signal(range(11)), Signal(range(self._divisor))
        m.d.comb += [self.line.eq(bits[0]), self.input.ready.eq(left == 0)]
        with m.If(left == 0):
            m.d.sync += timer.eq(self._divisor - 1)
            with m.If(self.input.valid):
                m.d.sync += [bits.eq(Cat(0, self.input.payload)), left.eq(10)]
        with m.Elif(timer == 0):
            m.d.sync += [timer.eq(self._divisor - 1), bits.eq(Cat(bits[1:], 1)), left.eq(left - 1)]
        with m.Else():
            m.d.sync += timer.eq(timer - 1)
        return m


class UartLink(wiring.Component):
    """The plainest link to a host: a frame's raw bytes come in, its scores go out, 4 bytes each, in the order of the classes.

    Nothing is checked, and the host sends a frame only when the accelerator can take it: it takes bytes faster than a line brings them
    as long as no more than one frame is ahead of the scores.

    Parameters
    ----------
    average: the accelerator's last node
    divisor: clock cycles a bit

    Members
    -------
    rx: ``In(1)``, tx: ``Out(1)``; the lines
    frames: ``Out(stream.Signature(8))``; to the accelerator
    scores: ``In(scores(average))``; from it
    """

    rx: Signal
    tx: Signal
    frames: stream.Interface
    scores: stream.Interface

    def __init__(self, *, average: AverageSpec, divisor: int) -> None:
        if average.score_bits > 8 * SCORE_BYTES:
            raise ValueError(f"scores must have at most {8 * SCORE_BYTES} bits, not {average.score_bits}")
        self._divisor = divisor
        super().__init__(
            {"rx": In(1), "tx": Out(1), "frames": Out(stream.Signature(unsigned(8))), "scores": In(scores(average))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(divisor=self._divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=self._divisor)
        m.d.comb += [receiver.line.eq(self.rx), self.tx.eq(transmitter.line)]
        with m.If(self.frames.ready):
            m.d.sync += self.frames.valid.eq(0)
        with m.If(receiver.output.valid & (~self.frames.valid | self.frames.ready)):
            m.d.sync += [self.frames.valid.eq(1), self.frames.payload.eq(receiver.output.payload)]
        place = Signal(range(SCORE_BYTES))
        score = Signal(8 * SCORE_BYTES)
        m.d.comb += [
            score.eq(self.scores.payload.score),
            transmitter.input.valid.eq(self.scores.valid),
            transmitter.input.payload.eq(score.word_select(place, 8)),
            self.scores.ready.eq(transmitter.input.ready & (place == SCORE_BYTES - 1)),
        ]
        with m.If(transmitter.input.valid & transmitter.input.ready):
            m.d.sync += place.eq(place + 1)
        return m


def _checked(divisor: int) -> int:
    if divisor < 4:
        raise ValueError(f"divisor must be at least 4 cycles a bit, not {divisor}")
    return divisor
