# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Packets from bytes on the wire, with the checks of framing and CRC."""

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import CRC, HEADER
from .cobs import CobsDecoder

HEADER_LAYOUT = data.StructLayout({"kind": 8, "session": 16, "sequence": 16})
"""The fields of ``packets.HEADER``, least significant byte first."""
MIN_PACKET_BYTES = HEADER.size + CRC.size
"""Bytes of a packet without payload."""


class PacketReceiver(wiring.Component):
    """Decodes the framing, provides header and payload, and reports at the end whether the packet is valid.

    The bytes of a packet leave as they arrive, before the CRC is known; the packet buffer keeps them until then::

        decoded  k s s n n p p p c c c c end      kind, session, sequence number, payload, CRC
        write    . . . . . 1 1 1 1 1 1 1 .
        end      . . . . . . . . . . . . 1
        valid                            1        framing and CRC are valid: the CRC of a packet and its own CRC is a constant

    Members
    -------
    input: ``In(stream.Signature(8, always_ready=True))``; any bytes
    header: ``Out(HEADER_LAYOUT)``; complete when ``write`` or ``valid`` is 1
    byte: ``Out(8)``, write: ``Out(1)``; a byte after the header: the payload, then the 4 bytes of the CRC
    end: ``Out(1)``; the packet ends in this cycle
    valid: ``Out(1)``; at the end: the packet is valid (framing and CRC)
    empty: ``Out(1)``; at the end: the payload is empty
    """

    LATENCY = CobsDecoder.LATENCY
    """Cycles from the zero on the wire to ``end``, and from a byte to ``byte``."""

    input: stream.Interface
    header: data.View
    byte: Signal
    write: Signal
    end: Signal
    valid: Signal
    empty: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(8), always_ready=True)),
                "header": Out(HEADER_LAYOUT),
                "byte": Out(8),
                "write": Out(1),
                "end": Out(1),
                "valid": Out(1),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.cobs = cobs = CobsDecoder()
        m.submodules.crc = crc = CRC32_ISO_HDLC().create()
        wiring.connect(m, wiring.flipped(self.input), cobs.input)
        decoded, header = cobs.output.payload, Value.cast(self.header)
        count = Signal(range(MIN_PACKET_BYTES + 2))  # bytes so far; stops where the payload is known not to be empty
        taken = Signal()
        m.d.comb += [
            self.byte.eq(decoded.byte),
            self.end.eq(cobs.output.valid & decoded.end),
            taken.eq(cobs.output.valid & ~decoded.end),
            self.write.eq(taken & (count >= HEADER.size)),
            self.valid.eq(self.end & decoded.framing_valid & crc.match_detected & (count >= MIN_PACKET_BYTES)),
            self.empty.eq(count == MIN_PACKET_BYTES),
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
