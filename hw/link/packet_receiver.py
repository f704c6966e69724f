# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From bytes on the wire to packets that are known to be whole."""

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import CRC, HEADER
from .cobs import CobsDecoder

HEADER_LAYOUT = data.StructLayout({"kind": 8, "session": 16, "number": 16})
"""As ``packets.HEAD``, least significant byte first."""
MIN_PACKET_BYTES = HEADER.size + CRC.size
"""Bytes of a packet without payload."""


class PacketReceiver(wiring.Component):
    """Takes the framing away, gives header and payload, and says at the end what they are worth.

    Members
    -------
    input: ``In(stream.Signature(8, always_ready=True))``; anything at all
    header: ``Out(HEADER)``; complete when ``write`` or ``sound`` is 1
    byte: ``Out(8)``, write: ``Out(1)``; a byte behind the header: payload, and in the end the 4 of the checksum
    end: ``Out(1)``; the packet ends in this cycle
    sound: ``Out(1)``; at the end: framing and checksum are right
    bare: ``Out(1)``; at the end: there is no payload
    """

    input: stream.Interface
    header: data.View
    byte: Signal
    write: Signal
    end: Signal
    sound: Signal
    bare: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(8), always_ready=True)),
                "header": Out(HEADER_LAYOUT),
                "byte": Out(8),
                "write": Out(1),
                "end": Out(1),
                "sound": Out(1),
                "bare": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.cobs = cobs = CobsDecoder()
        m.submodules.crc = crc = CRC32_ISO_HDLC().create()
        wiring.connect(m, wiring.flipped(self.input), cobs.input)
        decoded, header = cobs.output.payload, Value.cast(self.header)
        count, taken = Signal(range(MIN_PACKET_BYTES + 2)), Signal()  # stops at one byte more than the least
        m.d.comb += [
            self.byte.eq(decoded.byte),
            self.end.eq(cobs.output.valid & decoded.end),
            taken.eq(cobs.output.valid & ~decoded.end),
            self.write.eq(taken & (count >= HEADER.size)),
            self.sound.eq(self.end & decoded.sound & crc.match_detected & (count >= MIN_PACKET_BYTES)),
            self.bare.eq(count == MIN_PACKET_BYTES),
            crc.start.eq(self.end),
            crc.data.eq(decoded.byte),
            crc.valid.eq(taken),
        ]
        with m.If(self.end):
            m.d.sync += count.eq(0)
        with m.Elif(taken):
            with m.If(count < HEADER.size):
                m.d.sync += header.eq(Cat(header[8:], decoded.byte))
            with m.If(count <= MIN_PACKET_BYTES):
                m.d.sync += count.eq(count + 1)
        return m
