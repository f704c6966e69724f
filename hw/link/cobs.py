# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Consistent overhead byte stuffing: an encoding without zeros, so that a zero ends a packet (S. Cheshire, M. Baker, 1999).

An encoded packet is a chain of blocks. Each begins with its length, which counts itself; the next block begins there. A zero of the packet
lies between two blocks and is not sent; only a block of the maximum length, 255, has no zero behind it::

    packet     11 22 00 33
    encoded    03 11 22 02 33 00
               |        |     end of the packet
               |        length of the block 02 33
               length of the block 03 11 22; the zero follows it
"""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

DECODED = data.StructLayout({"byte": 8, "end": 1, "framing_valid": 1})
"""A byte of a packet; or, with ``end``, the end of the packet, and then ``framing_valid`` says whether its framing was valid."""
UNENCODED = data.StructLayout({"byte": 8, "end": 1})
"""A byte of a packet; or, with ``end``, the end of the packet, and then the byte has no meaning."""


class CobsDecoder(wiring.Component):
    """Decodes a byte in each cycle, with a latency of ``LATENCY`` cycles. Further zeros after a packet are ignored.

    An example::

        input     03 11 22 02 33 00
        remaining  0  2  1  0  1  0     bytes left in the block
        output       -- 11 22 00 33 end     -- no output: the first length of a packet stands for no zero

    Members
    -------
    input: ``In(stream.Signature(8, always_ready=True))``; any bytes
    output: ``Out(stream.Signature(DECODED, always_ready=True))``
    """

    LATENCY = 1
    """Cycles from a byte to the byte that it encodes, and from the zero to the end of the packet."""

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
        remaining = Signal(8)  # bytes left in the block
        in_packet = Signal()
        full_block = Signal()  # the block has the maximum length: no zero follows it
        m.d.sync += output.valid.eq(0)
        with m.If(self.input.valid):
            # The framing of a packet is valid where its end is the end of a block.
            m.d.sync += [output.payload.byte.eq(byte), output.payload.end.eq(0), output.payload.framing_valid.eq(remaining == 0)]
            with m.If(byte == 0):
                m.d.sync += [output.valid.eq(in_packet), output.payload.end.eq(1), in_packet.eq(0), remaining.eq(0)]
            with m.Elif(remaining == 0):
                m.d.sync += [output.valid.eq(in_packet & ~full_block), output.payload.byte.eq(0)]
                m.d.sync += [remaining.eq(byte - 1), full_block.eq(byte == 255), in_packet.eq(1)]
            with m.Else():
                m.d.sync += [output.valid.eq(1), remaining.eq(remaining - 1)]
        return m


class CobsEncoder(wiring.Component):
    """Encodes a packet while storing it, then sends it with the zero that ends it.

    The length of a block is known only at its end, after its bytes. The encoder therefore reserves a position for it: a zero of the packet
    takes no position of its own, as the length of the next block will be written there. Each byte costs one write::

        input      11   22   00   33   end
        position    1    2    3    4    5     next free position
        block       0    0    0    3    3     position of the current block's length
        write     1:11 2:22 0:03 4:33 3:02    address:data; a zero or the end writes position - block to block

    It takes a byte in each cycle and sends ``LATENCY`` cycles after the end; meanwhile no other packet is taken.

    Parameters
    ----------
    max_bytes: maximum size of a packet, at most 253, so that no block has the maximum length

    Members
    -------
    input: ``In(stream.Signature(UNENCODED))``; ready unless a packet is being sent
    output: ``Out(stream.Signature(8))``
    abort: ``In(1)``; discards the bytes since the last end; a packet that is being sent is not affected
    """

    LATENCY = 1
    """Cycles from the end of a packet to its first byte on the output."""

    input: stream.Interface
    output: stream.Interface
    abort: Signal

    def __init__(self, *, max_bytes: int) -> None:
        if not 1 <= max_bytes <= 253:
            raise ValueError(f"max_bytes must be 1 to 253, not {max_bytes}")
        self._max_bytes = max_bytes
        super().__init__({"input": In(stream.Signature(UNENCODED)), "output": Out(stream.Signature(unsigned(8))), "abort": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self._max_bytes + 2  # the length of the first block, and the zero at the end
        encoded: memory.Memory = memory.Memory(shape=8, depth=depth, init=[], attrs={"ram_style": "distributed"})
        m.submodules.encoded = encoded
        write = encoded.write_port()
        read = encoded.read_port(domain="comb")
        block = Signal(range(depth))
        position = Signal(range(depth + 1), init=1)
        reading = Signal(range(depth))
        plain = self.input.payload
        ends_block = Signal()
        m.d.comb += [
            ends_block.eq(plain.end | (plain.byte == 0)),
            write.addr.eq(Mux(ends_block, block, position)),
            write.data.eq(Mux(ends_block, position - block, plain.byte)),
            read.addr.eq(reading),
            self.output.payload.eq(Mux(reading == position, 0, read.data)),
        ]
        with m.FSM():
            with m.State("FILL"):
                m.d.comb += [self.input.ready.eq(1), write.en.eq(self.input.valid)]
                with m.If(self.abort):
                    m.d.sync += [block.eq(0), position.eq(1)]
                with m.Elif(self.input.valid):
                    with m.If(plain.end):
                        m.next = "SEND"
                    with m.Else():
                        m.d.sync += position.eq(position + 1)
                        with m.If(ends_block):
                            m.d.sync += block.eq(position)
            with m.State("SEND"):
                m.d.comb += self.output.valid.eq(1)
                with m.If(self.output.ready):
                    m.d.sync += reading.eq(reading + 1)
                    with m.If(reading == position):
                        m.d.sync += [reading.eq(0), block.eq(0), position.eq(1)]
                        m.next = "FILL"
        return m
