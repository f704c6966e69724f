# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Packets to the host, composed byte by byte."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.link.packets import CLASS_INDEX, COUNTER, COUNTER_NAMES, CRC, HEADER, MAX_REPLY_PAYLOAD, WINDOW_FIELD, PacketKind
from ...sw.plan.nodes import GlobalSumSpec
from ..utils import lookup
from .cobs import CobsEncoder

CYCLES_PER_BYTE = 4
"""Cycles a byte takes: in two memories are read, then the byte is chosen, then it is put."""


class PacketTransmitter(wiring.Component):
    """Composes one packet after the other and sends each when it is complete.

    Number and room are those of the cycle in which a packet is taken up.

    Parameters
    ----------
    average: the accelerator's last node
    identity: payload of an IDENTITY packet
    swappable: it lies in a block RAM, so that a finished bitstream can be given another

    Members
    -------
    request: ``In(1)``, kind: ``In(4)``, number: ``In(16)``, room: ``In(16)``; the next packet
    taken: ``Out(1)``; it is taken up in this cycle
    session: ``In(16)``; may change only with ``abort``
    abort: ``In(1)``; forget the packet that is being composed; the next SCORES packet begins with the first class
    index: ``Out(range(classes))``, score: ``In(average.score_bits)``; reads the scores
    complete: ``Out(1)``; in this cycle the last class's score was put
    place: ``Out(...)``, counter: ``In(8)``; reads the counters
    hold: ``Out(1)``; the counters are being read
    output: ``Out(stream.Signature(8))``
    """

    request: Signal
    kind: Signal
    number: Signal
    room: Signal
    taken: Signal
    session: Signal
    abort: Signal
    index: Signal
    score: Signal
    complete: Signal
    place: Signal
    counter: Signal
    hold: Signal
    output: stream.Interface

    def __init__(self, *, average: GlobalSumSpec, identity: bytes, swappable: bool = False) -> None:
        if not 1 <= len(identity) <= MAX_REPLY_PAYLOAD:
            raise ValueError(f"identity must have 1 to {MAX_REPLY_PAYLOAD} bytes, not {len(identity)}")
        self._average = average
        self._identity = identity
        self._swappable = swappable
        super().__init__(
            {
                "request": In(1),
                "kind": In(4),
                "number": In(16),
                "room": In(16),
                "taken": Out(1),
                "session": In(16),
                "abort": In(1),
                "index": Out(range(max(2, average.channels))),
                "score": In(average.score_bits),
                "complete": Out(1),
                "place": Out(range(MAX_REPLY_PAYLOAD)),
                "counter": In(8),
                "hold": Out(1),
                "output": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        classes, size = self._average.channels, -(-self._average.score_bits // 8)
        m.submodules.crc = crc = CRC32_ISO_HDLC().create()
        m.submodules.cobs = cobs = CobsEncoder(most=HEADER.size + MAX_REPLY_PAYLOAD + CRC.size)
        wiring.connect(m, cobs.output, wiring.flipped(self.output))
        kind, number, room, byte = Signal(4), Signal(16), Signal(16), Signal(8)
        place, step, part = self.place, Signal(range(CYCLES_PER_BYTE)), Signal(range(max(2, size)))
        end_of_score, last, put = Signal(), Signal(), Signal()
        is_scores = kind == PacketKind.SCORES
        first = Cat(self.index, Signal(16 - len(self.index)))
        body = Signal(8)
        sizes = {PacketKind.IDENTITY: len(self._identity), PacketKind.COUNTERS: COUNTER.size * len(COUNTER_NAMES)}
        rest = MAX_REPLY_PAYLOAD - CLASS_INDEX.size
        room_for_no_more = place == CLASS_INDEX.size + rest - rest % size - 1
        with m.Switch(kind):
            for each, length in {PacketKind.STATUS: WINDOW_FIELD.size, PacketKind.NAK: WINDOW_FIELD.size, **sizes}.items():
                with m.Case(each):
                    m.d.comb += last.eq(place == length - 1)
            with m.Default():
                m.d.comb += last.eq((place >= CLASS_INDEX.size) & end_of_score & ((self.index == classes - 1) | room_for_no_more))
        with m.Switch(kind):
            with m.Case(PacketKind.SCORES):
                score = Cat(self.score, Signal(8 * size - len(self.score))).word_select(part, 8) if size > 1 else self.score
                m.d.comb += body.eq(Mux(place < CLASS_INDEX.size, first.word_select(place[0], 8), score))
            with m.Case(PacketKind.IDENTITY):
                m.d.comb += body.eq(self._told(m, place[: ceil_log2(len(self._identity))]))
            with m.Case(PacketKind.COUNTERS):
                m.d.comb += body.eq(self.counter)
            with m.Default():
                m.d.comb += body.eq(room.word_select(place[0], 8))
        m.d.comb += [
            end_of_score.eq(part == size - 1),
            cobs.abort.eq(self.abort),
            cobs.input.payload.byte.eq(byte),
            crc.data.eq(byte),
            put.eq(step == CYCLES_PER_BYTE - 1),
            self.hold.eq(kind == PacketKind.COUNTERS),
        ]
        header = Cat(kind, Signal(4), self.session, number)

        def section(source: Value, end: Value, then: str) -> None:
            """Put bytes, ``source`` when ``place`` is theirs, up to one where ``end`` holds; then go on to another section."""
            m.d.sync += step.eq(Mux(put, 0, step + 1))
            with m.If(step == CYCLES_PER_BYTE - 2):
                m.d.sync += byte.eq(source)
            m.d.comb += cobs.input.valid.eq(put)
            with m.If(put):
                m.d.sync += place.eq(place + 1)
                with m.If(end):
                    m.d.sync += place.eq(0)
                    m.next = then
            with m.If(self.abort):
                m.next = "CHOOSE"

        with m.FSM():
            with m.State("CHOOSE"):
                m.d.comb += [self.taken.eq(self.request & cobs.input.ready & ~self.abort), crc.start.eq(1)]
                m.d.sync += [place.eq(0), step.eq(0), part.eq(0)]
                with m.If(self.taken):
                    m.d.sync += [kind.eq(self.kind), number.eq(self.number), room.eq(self.room)]
                    m.next = "HEADER"
            with m.State("HEADER"):
                section(header.word_select(place[:3], 8), place == HEADER.size - 1, "BODY")
                m.d.comb += crc.valid.eq(put)
            with m.State("BODY"):
                section(body, last, "CRC")
                m.d.comb += crc.valid.eq(put)
                with m.If(put & is_scores & (place >= CLASS_INDEX.size)):
                    m.d.sync += part.eq(Mux(end_of_score, 0, part + 1))
                    with m.If(end_of_score):
                        m.d.sync += self.index.eq(Mux(self.index == classes - 1, 0, self.index + 1))
                        m.d.comb += self.complete.eq(self.index == classes - 1)
            with m.State("CRC"):
                section(crc.crc.word_select(place[:2], 8), place == CRC.size - 1, "END")
            with m.State("END"):
                m.d.comb += [cobs.input.valid.eq(1), cobs.input.payload.end.eq(1)]
                m.d.sync += kind.eq(0)
                m.next = "CHOOSE"
        with m.If(self.abort):
            m.d.sync += self.index.eq(0)
        return m

    def _told(self, m: Module, place: Value) -> Value:
        """A byte of the identity, from logic at once or from a block RAM a cycle later."""
        if not self._swappable:
            return lookup(list(self._identity), place, 8)
        kept: memory.Memory = memory.Memory(shape=8, depth=len(self._identity), init=self._identity, attrs={"rom_style": "block"})
        m.submodules.identity = kept
        read = kept.read_port()
        m.d.comb += read.addr.eq(place)
        return Value.cast(read.data)
