# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An asynchronous serial line: 8 bits, no parity, 1 stop bit."""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import BAUD_DIVISORS

DIVISOR_BITS = (BAUD_DIVISORS.stop - 1).bit_length()


class UartReceiver(wiring.Component):
    """Takes bytes from a line, each offered for one cycle: whoever listens is always ready, or loses them.

    Bits are sampled in their middle. A byte whose stop bit is missing is dropped.

    Members
    -------
    divisor: ``In(12)``; clock cycles a bit, at least 4; a byte that comes while it changes may be another
    line: ``In(1)``; idle high, not synchronous to anything
    output: ``Out(stream.Signature(8, always_ready=True))``
    """

    divisor: Signal
    line: Signal
    output: stream.Interface

    def __init__(self) -> None:
        byte = stream.Signature(unsigned(8), always_ready=True)
        super().__init__({"divisor": In(DIVISOR_BITS), "line": In(1), "output": Out(byte)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        early, line = Signal(init=1), Signal(init=1)  # two flip-flops, as the line changes at any time
        bits, count, timer = Signal(8), Signal(range(10)), Signal(DIVISOR_BITS)
        m.d.comb += self.output.payload.eq(bits)
        m.d.sync += [early.eq(self.line), line.eq(early), self.output.valid.eq(0), timer.eq(timer - 1)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq((self.divisor >> 1) - 1), count.eq(0)]
                with m.If(~line):
                    m.next = "BITS"
            with m.State("BITS"), m.If(timer == 0):
                m.d.sync += [timer.eq(self.divisor - 1), count.eq(count + 1)]
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

    Members
    -------
    divisor: ``In(12)``; clock cycles a bit, at least 4; a byte that goes while it changes may be another
    input: ``In(stream.Signature(8))``
    line: ``Out(1)``; idle high
    """

    divisor: Signal
    input: stream.Interface
    line: Signal

    def __init__(self) -> None:
        super().__init__({"divisor": In(DIVISOR_BITS), "input": In(stream.Signature(unsigned(8))), "line": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits, left, timer = Signal(9, init=0x1FF), Signal(range(11)), Signal(DIVISOR_BITS)
        m.d.comb += [self.line.eq(bits[0]), self.input.ready.eq(left == 0)]
        with m.If(left == 0):
            m.d.sync += timer.eq(self.divisor - 1)
            with m.If(self.input.valid):
                m.d.sync += [bits.eq(Cat(0, self.input.payload)), left.eq(10)]
        with m.Elif(timer == 0):
            m.d.sync += [timer.eq(self.divisor - 1), bits.eq(Cat(bits[1:], 1)), left.eq(left - 1)]
        with m.Else():
            m.d.sync += timer.eq(timer - 1)
        return m


class BreakDetector(wiring.Component):
    """Hears a zero byte that comes at a slow rate, whatever the rate that is listened at: the line is low for longer than any byte's bits.

    Parameters
    ----------
    divisor: clock cycles a bit at the slow rate; faster rates must be at least twice as fast

    Members
    -------
    line: ``In(1)``; idle high, not synchronous to anything
    heard: ``Out(1)``; for one cycle, after 8 of the byte's 9 low bits
    """

    line: Signal
    heard: Signal

    def __init__(self, *, divisor: int) -> None:
        self._cycles = 8 * divisor
        super().__init__({"line": In(1), "heard": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        early, line, low = Signal(init=1), Signal(init=1), Signal(range(self._cycles + 2))
        m.d.comb += self.heard.eq(low == self._cycles)
        m.d.sync += [early.eq(self.line), line.eq(early)]
        with m.If(line):
            m.d.sync += low.eq(0)
        with m.Elif(low <= self._cycles):
            m.d.sync += low.eq(low + 1)
        return m


class UartPort(wiring.Component):
    """Both ways of a line, whose rate the device chooses.

    Parameters
    ----------
    divisor: clock cycles a bit at the first rate

    Members
    -------
    rx: ``In(1)``, tx: ``Out(1)``; the lines
    divisor: ``In(12)``; clock cycles a bit
    slow: ``Out(1)``; a zero byte came at the first rate
    received: ``Out(stream.Signature(8, always_ready=True))``
    sent: ``In(stream.Signature(8))``
    """

    rx: Signal
    tx: Signal
    divisor: Signal
    slow: Signal
    received: stream.Interface
    sent: stream.Interface

    def __init__(self, *, divisor: int) -> None:
        self._divisor = divisor
        byte = unsigned(8)
        super().__init__(
            {
                "rx": In(1),
                "tx": Out(1),
                "divisor": In(DIVISOR_BITS),
                "slow": Out(1),
                "received": Out(stream.Signature(byte, always_ready=True)),
                "sent": In(stream.Signature(byte)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver()
        m.submodules.transmitter = transmitter = UartTransmitter()
        m.submodules.zero = zero = BreakDetector(divisor=self._divisor)
        wiring.connect(m, receiver.output, wiring.flipped(self.received))
        wiring.connect(m, wiring.flipped(self.sent), transmitter.input)
        m.d.comb += [
            receiver.divisor.eq(self.divisor),
            transmitter.divisor.eq(self.divisor),
            receiver.line.eq(self.rx),
            zero.line.eq(self.rx),
            self.tx.eq(transmitter.line),
            self.slow.eq(zero.heard),
        ]
        return m
