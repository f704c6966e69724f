# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The packet receiver: fields and payload are those of the packet, and valid packets are those with the right checksum."""

from typing import Self
from unittest.mock import patch

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.link import packet_receiver
from ....hw.link.packet_receiver import MIN_PACKET_BYTES, PacketReceiver
from ....sw.link.packets import HEADER
from ..bench import Bench
from ..internals import internals
from ..proof import Engine, Fault, Proof


class _AnyCrc(wiring.Component):
    """Takes the place of Amaranth's CRC generator: it may match at any time."""

    start: Signal
    valid: Signal
    data: Signal
    match_detected: Signal

    def __init__(self) -> None:
        super().__init__({"start": In(1), "valid": In(1), "data": In(8), "match_detected": In(1)})

    def create(self) -> Self:
        """Itself."""
        return self

    def elaborate(self, _platform: object) -> Module:
        """Nothing."""
        return Module()


def any_bytes(bench: Bench) -> None:
    """PacketReceiver: for any bytes on the wire, header and payload are the packet's, and it is valid if and only if framing and CRC are.

    The packet is what the COBS decoder makes of the wire. The CRC generator is Amaranth's, which the tests compare with zlib: here, it gets
    all bytes of a packet and no others, and its verdict counts.
    """
    m = bench.m
    dut = PacketReceiver()
    with patch.object(packet_receiver, "CRC32_ISO_HDLC", _AnyCrc):
        inside = internals(dut)
    m.submodules.dut = dut
    m.d.comb += [dut.input.valid.eq(bench.free(1, "valid")), dut.input.payload.eq(bench.free(8, "payload"))]
    decoded = inside["cobs"].output
    byte, taken, end = decoded.payload.byte, Signal(), Signal()
    m.d.comb += [taken.eq(decoded.valid & ~decoded.payload.end), end.eq(decoded.valid & decoded.payload.end)]

    # What arrived of the packet: the number of bytes, and the header.
    limit = MIN_PACKET_BYTES + 1
    count = Signal(range(limit + 1))
    header = [Signal(8, name=f"header_{n}") for n in range(HEADER.size)]
    with m.If(end):
        m.d.sync += count.eq(0)
    with m.Elif(taken):
        m.d.sync += count.eq(Mux(count == limit, limit, count + 1))
        for n, field in enumerate(header):
            with m.If(count == n):
                m.d.sync += field.eq(byte)

    crc = inside["crc"]
    m.d.comb += crc.match_detected.eq(bench.free(1, "match_detected"))
    bench.ensure((crc.start == end) & (crc.valid == taken), "the CRC begins anew with each packet, and takes each of its bytes")
    bench.ensure(~taken | (crc.data == byte), "as they are")

    # The promises.
    bench.ensure(dut.end == end, "a packet ends where its framing does")
    bench.ensure(dut.write == (taken & (count >= HEADER.size)), "the bytes after the header are written")
    bench.ensure(~dut.write | (dut.byte == byte), "they are the packet's")
    bench.ensure(~(dut.write | dut.valid) | (Value.cast(dut.header) == Cat(header)), "the header is the packet's")
    right = end & decoded.payload.framing_valid & (count >= MIN_PACKET_BYTES) & crc.match_detected
    bench.ensure(dut.valid == right, "a packet is valid if and only if its framing and CRC are")
    bench.ensure(~dut.valid | (dut.empty == (count == MIN_PACKET_BYTES)), "an empty payload is told")
    bench.reaches(dut.write)

    # The invariants.
    bench.ensure((count <= limit) & (inside["count"] == count), "bytes are counted")
    received = Value.cast(dut.header)
    for n in range(1, HEADER.size + 1):
        with m.If((count == n) if n < HEADER.size else (count >= n)):
            bench.ensure(received[8 * (HEADER.size - n) :] == Cat(header[:n]), "the header's bytes arrive in order")


FAULTS = (
    Fault(packet_receiver, "crc.match_detected & (count", "(count"),
    Fault(packet_receiver, "self.write.eq(taken & (count >= HEADER.size))", "self.write.eq(taken & (count > HEADER.size))"),
    Fault(packet_receiver, "decoded.framing_valid & crc", "crc"),
    Fault(packet_receiver, "crc.start.eq(self.end)", "crc.start.eq(self.valid)"),
)
PROOFS = (Proof("packet_receiver", any_bytes, FAULTS, "packets of any length", Engine.INDUCTION, depth=1, counterexample_depth=14),)
