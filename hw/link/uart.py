# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
r"""An asynchronous serial line: 8 bits, no parity, 1 stop bit.

The line is high when idle. A byte is a low start bit, 8 data bits with the least significant first, and a high stop bit, each
``divisor`` clock cycles long::

    line      ----\____/ b0 X b1 X b2 X b3 X b4 X b5 X b6 X b7 /----
                   start                                       stop
    sampled          ^    ^    ^    ^    ^    ^    ^    ^    ^    ^      in the middle of each bit
"""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import BAUD_DIVISORS

DIVISOR_BITS = (BAUD_DIVISORS.stop - 1).bit_length()
BITS_PER_BYTE = 10
"""Start bit, data bits and stop bit."""
SYNCHRONIZER_STAGES = 2
"""Flip-flops between the line and the logic, as the line changes at any time."""


def _synchronizer(line: Signal, synchronous: Signal) -> FFSynchronizer:
    """A synchroniser for a line that is high when idle: after a reset it does not start with a start bit."""
    return FFSynchronizer(line, synchronous, init=1, reset_less=False, stages=SYNCHRONIZER_STAGES)


class UartReceiver(wiring.Component):
    """Receives bytes, each offered for one cycle: the consumer is always ready.

    A byte whose stop bit is low is dropped, as is a start bit that is high again in its middle.

    Members
    -------
    divisor: ``In(12)``; clock cycles per bit, at least 4; a byte that arrives during a change may be wrong
    line: ``In(1)``; idle high, asynchronous
    output: ``Out(stream.Signature(8, always_ready=True))``
    """

    divisor: Signal
    line: Signal
    output: stream.Interface

    @staticmethod
    def latency(divisor: int) -> int:
        """Cycles from the first of the start bit to the byte on the output: up to the middle of the stop bit."""
        return SYNCHRONIZER_STAGES + divisor // 2 + (BITS_PER_BYTE - 1) * divisor + 1

    def __init__(self) -> None:
        byte = stream.Signature(unsigned(8), always_ready=True)
        super().__init__({"divisor": In(DIVISOR_BITS), "line": In(1), "output": Out(byte)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = _synchronizer(self.line, line)
        bits = Signal(8)
        count = Signal(range(BITS_PER_BYTE))  # bits sampled
        timer = Signal(DIVISOR_BITS)  # cycles to the next sample
        m.d.comb += self.output.payload.eq(bits)
        m.d.sync += [self.output.valid.eq(0), timer.eq(timer - 1)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq((self.divisor >> 1) - 1), count.eq(0)]
                with m.If(~line):
                    m.next = "BITS"
            with m.State("BITS"), m.If(timer == 0):
                m.d.sync += [timer.eq(self.divisor - 1), count.eq(count + 1)]
                with m.If((count == 0) & line):  # a glitch, not a start bit
                    m.next = "IDLE"
                with m.If(count == BITS_PER_BYTE - 1):
                    m.d.sync += self.output.valid.eq(line)
                    m.next = "IDLE"
                with m.Else():
                    m.d.sync += bits.eq(Cat(bits[1:], line))
        return m


class UartTransmitter(wiring.Component):
    """Sends bytes.

    Members
    -------
    divisor: ``In(12)``; clock cycles per bit, at least 4; a byte that is sent during a change may be wrong
    input: ``In(stream.Signature(8))``
    line: ``Out(1)``; idle high
    """

    LATENCY = 1
    """Cycles from accepting a byte to its start bit."""

    divisor: Signal
    input: stream.Interface
    line: Signal

    @staticmethod
    def cycles_per_byte(divisor: int) -> int:
        """Cycles from accepting a byte to accepting the next one: its bits, and one in which the stop bit goes on."""
        return BITS_PER_BYTE * divisor + 1

    def __init__(self) -> None:
        super().__init__({"divisor": In(DIVISOR_BITS), "input": In(stream.Signature(unsigned(8))), "line": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = Signal(BITS_PER_BYTE - 1, init=0x1FF)
        remaining = Signal(range(BITS_PER_BYTE + 1))  # bits that are not sent completely
        timer = Signal(DIVISOR_BITS)
        m.d.comb += [self.line.eq(bits[0]), self.input.ready.eq(remaining == 0)]
        with m.If(remaining == 0):
            m.d.sync += timer.eq(self.divisor - 1)
            with m.If(self.input.valid):
                m.d.sync += [bits.eq(Cat(0, self.input.payload)), remaining.eq(BITS_PER_BYTE)]
        with m.Elif(timer == 0):
            m.d.sync += [timer.eq(self.divisor - 1), bits.eq(Cat(bits[1:], 1)), remaining.eq(remaining - 1)]
        with m.Else():
            m.d.sync += timer.eq(timer - 1)
        return m


class BreakDetector(wiring.Component):
    r"""Detects a break, whatever the current baud rate: a zero byte at the default rate is low for longer than any byte at a faster one.

    In comparison::

        default rate   ----\________________ 9 bits low _______________/---
        twice as fast  ----\___ 9 bits low ___/------------------------        4.5 bits of the default rate
        detected                                           ^                   after 8 bits of the default rate

    Parameters
    ----------
    divisor: clock cycles per bit at the default rate; all other rates must be at least twice as fast

    Members
    -------
    line: ``In(1)``; idle high, asynchronous
    detected: ``Out(1)``; a break, for one cycle
    """

    BREAK_BITS = 8
    """Bits of the default rate for which the line is low in a break, of the 9 low bits of a zero byte: one is left as tolerance."""

    line: Signal
    detected: Signal

    def __init__(self, *, divisor: int) -> None:
        self._cycles = self.BREAK_BITS * divisor
        super().__init__({"line": In(1), "detected": Out(1)})

    @property
    def latency(self) -> int:
        """Cycles from the first in which the line is low to ``detected``."""
        return SYNCHRONIZER_STAGES + self._cycles

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = _synchronizer(self.line, line)
        low_cycles = Signal(range(self._cycles + 2))  # stops at one more, so that a break is detected once
        m.d.comb += self.detected.eq(low_cycles == self._cycles)
        with m.If(line):
            m.d.sync += low_cycles.eq(0)
        with m.Elif(low_cycles <= self._cycles):
            m.d.sync += low_cycles.eq(low_cycles + 1)
        return m


class UartPort(wiring.Component):
    """Both directions of a serial line, at a baud rate that the device selects.

    Parameters
    ----------
    divisor: clock cycles per bit at the default rate

    Members
    -------
    rx: ``In(1)``, tx: ``Out(1)``; the lines
    divisor: ``In(12)``; clock cycles per bit
    baud_reset: ``Out(1)``; a break: the baud rate must be reset
    received: ``Out(stream.Signature(8, always_ready=True))``
    sent: ``In(stream.Signature(8))``
    """

    rx: Signal
    tx: Signal
    divisor: Signal
    baud_reset: Signal
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
                "baud_reset": Out(1),
                "received": Out(stream.Signature(byte, always_ready=True)),
                "sent": In(stream.Signature(byte)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver()
        m.submodules.transmitter = transmitter = UartTransmitter()
        m.submodules.break_detector = break_detector = BreakDetector(divisor=self._divisor)
        wiring.connect(m, receiver.output, wiring.flipped(self.received))
        wiring.connect(m, wiring.flipped(self.sent), transmitter.input)
        m.d.comb += [
            receiver.divisor.eq(self.divisor),
            transmitter.divisor.eq(self.divisor),
            receiver.line.eq(self.rx),
            break_detector.line.eq(self.rx),
            self.tx.eq(transmitter.line),
            self.baud_reset.eq(break_detector.detected),
        ]
        return m
