# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Consistent overhead byte stuffing: packets free of zeros, each ended by one (S. Cheshire, M. Baker, 1999)."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

DECODED = data.StructLayout({"byte": 8, "end": 1, "sound": 1})
"""A byte of a packet; or its end, and then whether its framing was sound."""
UNENCODED = data.StructLayout({"byte": 8, "end": 1})
"""A byte of a packet; or its end, and then the byte means nothing."""


class CobsDecoder(wiring.Component):
    """Takes the stuffing away. Latency 1 cycle; a byte in each cycle. Zeros in a row end one packet.

    Members
    -------
    input: ``In(stream.Signature(8, always_ready=True))``; anything at all
    output: ``Out(stream.Signature(DECODED, always_ready=True))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self) -> None:
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(8), always_ready=True)),
                "output": Out(stream.Signature(DECODED, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        byte, output = self.input.payload, self.output
        left, begun, long = Signal(8), Signal(), Signal()  # a block of 255 has no zero behind it
        m.d.sync += output.valid.eq(0)
        with m.If(self.input.valid):
            m.d.sync += [output.payload.byte.eq(byte), output.payload.end.eq(0), output.payload.sound.eq(left == 0)]
            with m.If(byte == 0):
                m.d.sync += [output.valid.eq(begun), output.payload.end.eq(1), begun.eq(0), left.eq(0)]
            with m.Elif(left == 0):
                m.d.sync += [output.valid.eq(begun & ~long), output.payload.byte.eq(0)]
                m.d.sync += [left.eq(byte - 1), long.eq(byte == 255), begun.eq(1)]
            with m.Else():
                m.d.sync += [output.valid.eq(1), left.eq(left - 1)]
        return m


class CobsEncoder(wiring.Component):
    """Keeps one short packet, stuffs it meanwhile, and sends it with the zero behind it.

    A byte takes one write: a zero becomes the place of the next block's length, and the length of the block that it ends is written.

    Parameters
    ----------
    most: bytes of a packet, at most 253

    Members
    -------
    input: ``In(stream.Signature(PLAIN))``; ready unless a packet is being sent
    output: ``Out(stream.Signature(8))``
    abort: ``In(1)``; forget the bytes taken since the last end; a packet that is being sent is sent nevertheless
    """

    input: stream.Interface
    output: stream.Interface
    abort: Signal

    def __init__(self, *, most: int) -> None:
        if not 1 <= most <= 253:
            raise ValueError(f"most must be 1 to 253 bytes, not {most}")
        self._most = most
        super().__init__({"input": In(stream.Signature(UNENCODED)), "output": Out(stream.Signature(unsigned(8))), "abort": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self._most + 2  # a length before it and the zero behind it
        stuffed: memory.Memory = memory.Memory(shape=8, depth=depth, init=[], attrs={"ram_style": "distributed"})
        m.submodules.stuffed = stuffed
        write, read = stuffed.write_port(), stuffed.read_port(domain="comb")
        block, place, reading = Signal(range(depth)), Signal(range(depth + 1), init=1), Signal(range(depth))
        plain, closes = self.input.payload, Signal()
        m.d.comb += [
            closes.eq(plain.end | (plain.byte == 0)),
            write.addr.eq(Mux(closes, block, place)),
            write.data.eq(Mux(closes, place - block, plain.byte)),
            read.addr.eq(reading),
            self.output.payload.eq(Mux(reading == place, 0, read.data)),
        ]
        with m.FSM():
            with m.State("FILL"):
                m.d.comb += [self.input.ready.eq(1), write.en.eq(self.input.valid)]
                with m.If(self.abort):
                    m.d.sync += [block.eq(0), place.eq(1)]
                with m.Elif(self.input.valid):
                    with m.If(plain.end):
                        m.next = "SEND"
                    with m.Else():
                        m.d.sync += place.eq(place + 1)
                        with m.If(closes):
                            m.d.sync += block.eq(place)
            with m.State("SEND"):
                m.d.comb += self.output.valid.eq(1)
                with m.If(self.output.ready):
                    m.d.sync += reading.eq(reading + 1)
                    with m.If(reading == place):
                        m.d.sync += [reading.eq(0), block.eq(0), place.eq(1)]
                        m.next = "FILL"
        return m
