# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A master of SCCB, the control bus of OmniVision's sensors: two lines, much like I2C."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

BITS_PER_SECOND = 100_000
IDLE_BITS = 2
"""Bits for which the bus rests after each transmission."""


class SccbMaster(wiring.Component):
    r"""Writes and reads registers, one at a time ("OmniVision Serial Camera Control Bus Functional Specification", version 2.2).

    A write is one transmission, a read two: the register's address is written, then its value read. A transmission has bytes of 9 bits,
    the highest first. The ninth is Don't-Care while the master sends, so it releases the line and looks at nothing; it is 1 after a byte
    that it reads, the last. Both lines are only ever driven low::

        SCL  ``````\_____/`````\____  ...  ____/``````````
        SDA  ```\____X  bit 7   X__  ...  ________/`````
             start    | quarters 1 2 3 |      stop

    A bit has four quarters: SCL is low in the first two and high in the others; SDA changes between the first two.

    Parameters
    ----------
    frequency: of the clock in Hz; below 800 kHz the bus is slower, since a quarter has two cycles at least, for the synchroniser of SDA
    address: the byte for writing; that for reading is one more
    address_bytes: bytes of a register's address

    Members
    -------
    request: ``In(stream.Signature(...))``; ``register``, ``value`` to be written, or ``read``; taken when it is complete
    value: ``Out(8)``; what was read, from when the request is taken on
    quarter: ``Out(1)``; once in a quarter of a bit: 400 a millisecond, or a little fewer
    scl_low, sda_low: ``Out(1)``; drive the line low
    sda: ``In(1)``; the line
    """

    request: stream.Interface
    value: Signal
    quarter: Signal
    scl_low: Signal
    sda_low: Signal
    sda: Signal

    def __init__(self, *, frequency: float, address: int, address_bytes: int) -> None:
        if address_bytes not in (1, 2):
            raise ValueError(f"address_bytes must be 1 or 2, not {address_bytes}")
        self._address, self._address_bytes = address, address_bytes
        self.quarter_cycles = max(2, -int(-frequency // (4 * BITS_PER_SECOND)))
        request = data.StructLayout({"register": 8 * address_bytes, "value": 8, "read": 1})
        super().__init__(
            {
                "request": In(stream.Signature(request)),
                "value": Out(8),
                "quarter": Out(1),
                "scl_low": Out(1),
                "sda_low": Out(1),
                "sda": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.sda, line, init=1)
        request = self.request.payload
        timer = Signal(range(max(2, self.quarter_cycles)))
        phase = Signal(2)  # quarter of the bit
        bit = Signal(range(9))
        sent = Signal(range(self._address_bytes + 2))  # bytes
        second = Signal()  # of the two transmissions of a read
        shift = Signal(9, init=0x1FF)
        received = Signal(8)
        last = self._address_bytes + 1 - request.read  # byte of the first transmission
        m.d.comb += [self.quarter.eq(timer == self.quarter_cycles - 1), self.value.eq(received)]
        m.d.sync += timer.eq(Mux(self.quarter, 0, timer + 1))

        register = request.register
        following = [register.word_select(self._address_bytes - 1 - index, 8) for index in range(self._address_bytes)] + [request.value]
        with m.If(self.quarter):
            m.d.sync += phase.eq(phase + 1)
        with m.FSM():
            with m.State("IDLE"), m.If(self.quarter):
                m.d.sync += phase.eq(0)
                with m.If(self.request.valid):
                    m.next = "START"
            with m.State("START"), m.If(self.quarter):
                with m.If(phase == 1):
                    m.d.sync += self.sda_low.eq(1)
                with m.If(phase == 3):
                    m.d.sync += [self.scl_low.eq(1), shift.eq(Cat(1, Const(self._address >> 1, 7) << 1 | second)), bit.eq(0), sent.eq(0)]
                    m.next = "BITS"
            with m.State("BITS"), m.If(self.quarter), m.Switch(phase):
                with m.Case(0):
                    m.d.sync += self.sda_low.eq(~shift[8])
                with m.Case(1):
                    m.d.sync += self.scl_low.eq(0)
                with m.Case(2), m.If(bit != 8):
                    m.d.sync += received.eq(Cat(line, received[:7]))
                with m.Case(3):
                    m.d.sync += [self.scl_low.eq(1), shift.eq(Cat(1, shift[:8])), bit.eq(bit + 1)]
                    with m.If(bit == 8):
                        m.d.sync += [bit.eq(0), sent.eq(sent + 1)]
                        m.d.sync += shift.eq(Mux(second, 0x1FF, Cat(1, Array(following)[sent])))
                        with m.If(sent == Mux(second, 1, last)):
                            m.next = "STOP"
            with m.State("STOP"), m.If(self.quarter), m.Switch(phase):
                with m.Case(0):
                    m.d.sync += self.sda_low.eq(1)
                with m.Case(1):
                    m.d.sync += self.scl_low.eq(0)
                with m.Case(2):
                    m.d.sync += self.sda_low.eq(0)
                with m.Case(3):
                    m.next = "REST"
            with m.State("REST"), m.If(self.quarter & (phase == 3)):
                m.d.sync += bit.eq(bit + 1)
                with m.If(bit == IDLE_BITS - 1):
                    m.d.sync += second.eq(request.read & ~second)
                    m.next = "START"
                    with m.If(~request.read | second):
                        m.d.comb += self.request.ready.eq(1)
                        m.next = "IDLE"
        return m
