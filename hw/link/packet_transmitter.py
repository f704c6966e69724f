# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Packets to the host, composed byte by byte."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.link.packets import CAMERA_FIELDS, CLASS_INDEX, COUNTER, COUNTER_NAMES, CRC, HEADER, MAX_REPLY_PAYLOAD, WINDOW_FIELD, PacketKind
from ...sw.plan.nodes import GlobalSumSpec
from ..utils import lookup
from .cobs import CobsEncoder


class PacketTransmitter(wiring.Component):
    """Composes one packet after the other, and sends each when it is complete.

    A byte takes ``CYCLES_PER_BYTE`` cycles, which leaves time for the memories that hold scores, counters and descriptor::

        step    0           1           2           3           0
        offset  n           n           n           n           n+1
                address to the memories |           |
                            data ready  byte stored put to CRC and COBS

    The host's line is slower in any case. The encoder stores the packet, so its first byte leaves ``latency`` cycles after the request.
    Sequence number and free space are those of the cycle in which the request is taken.

    Parameters
    ----------
    global_sum: the accelerator's last node
    descriptor: payload of an IDENTITY packet
    reloadable: store the descriptor in a block RAM, so that it can be replaced in a finished bitstream
    camera: compose CAMERA_REPORT and PICTURE packets, too

    Members
    -------
    request: ``In(1)``, kind: ``In(4)``, sequence: ``In(16)``, free_space: ``In(16)``; the next packet, with sequence number and free space
    taken: ``Out(1)``; the request is taken in this cycle
    session: ``In(16)``; may change only with ``abort``
    abort: ``In(1)``; discard the packet that is being composed; the next SCORES packet begins with the first class
    index: ``Out(range(classes))``, score: ``In(score_bits)``; a class, and its score 2 cycles later. It is sent in whole bytes,
        a signed one with copies of its sign above
    complete: ``Out(1)``; the last class's score is put in this cycle
    offset: ``Out(...)``, counter: ``In(8)``; offset in the payload, and that byte of the counters a cycle later
    hold: ``Out(1)``; the counters are being read
    report_byte: ``In(8)``; with a camera: the report's byte at ``offset``, in the same cycle
    picture_byte: ``In(8)``, picture_last: ``In(1)``, pop: ``Out(1)``; with a camera: the next byte of the picture, whether it is the last
        of its packet, and that it is taken
    output: ``Out(stream.Signature(8))``
    """

    CYCLES_PER_BYTE = 4
    """Cycles in which a byte is composed."""

    @classmethod
    def latency(cls, payload_bytes: int) -> int:
        """Cycles from the cycle in which a request is taken to the first byte on the output."""
        packet_bytes = HEADER.size + payload_bytes + CRC.size
        return 1 + cls.CYCLES_PER_BYTE * packet_bytes + CobsEncoder.LATENCY

    request: Signal
    kind: Signal
    sequence: Signal
    free_space: Signal
    taken: Signal
    session: Signal
    abort: Signal
    index: Signal
    score: Signal
    complete: Signal
    offset: Signal
    counter: Signal
    hold: Signal
    report_byte: Signal
    picture_byte: Signal
    picture_last: Signal
    pop: Signal
    output: stream.Interface

    def __init__(self, *, global_sum: GlobalSumSpec, descriptor: bytes, reloadable: bool = False, camera: bool = False) -> None:
        if not 1 <= len(descriptor) <= MAX_REPLY_PAYLOAD:
            raise ValueError(f"descriptor must have 1 to {MAX_REPLY_PAYLOAD} bytes, not {len(descriptor)}")
        self._classes = global_sum.channels
        self._score_bytes = -(-global_sum.score_bits // 8)
        self._score_signed = global_sum.score_signed
        self._descriptor = descriptor
        self._reloadable = reloadable
        self._camera = camera
        super().__init__(
            {
                "request": In(1),
                "kind": In(4),
                "sequence": In(16),
                "free_space": In(16),
                "taken": Out(1),
                "session": In(16),
                "abort": In(1),
                "index": Out(range(max(2, global_sum.channels))),
                "score": In(global_sum.score_bits),
                "complete": Out(1),
                "offset": Out(range(MAX_REPLY_PAYLOAD)),
                "counter": In(8),
                "hold": Out(1),
                **({"report_byte": In(8), "picture_byte": In(8), "picture_last": In(1), "pop": Out(1)} if camera else {}),
                "output": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC().create()
        m.submodules.cobs = cobs = CobsEncoder(max_bytes=HEADER.size + MAX_REPLY_PAYLOAD + CRC.size)
        wiring.connect(m, cobs.output, wiring.flipped(self.output))
        kind = Signal(4)  # of the packet that is being composed
        sequence = Signal(16)
        free_space = Signal(16)
        byte = Signal(8)
        step = Signal(range(self.CYCLES_PER_BYTE))
        score_byte = Signal(range(max(2, self._score_bytes)))  # the byte of the current score
        end_of_score = Signal()
        last = Signal()  # the current byte is the last of the payload
        put = Signal()
        last_class = self.index == self._classes - 1
        self._find_end(m, kind, last, end_of_score, last_class | self._packet_full())
        payload_byte = self._select_payload_byte(m, kind, free_space, score_byte)
        m.d.comb += [
            end_of_score.eq(score_byte == self._score_bytes - 1),
            cobs.abort.eq(self.abort),
            cobs.input.payload.byte.eq(byte),
            crc.data.eq(byte),
            put.eq(step == self.CYCLES_PER_BYTE - 1),
            self.hold.eq(kind == PacketKind.COUNTERS),
        ]
        kind_padding = Signal(4)
        header = Cat(kind, kind_padding, self.session, sequence)

        def section(source: Value, end: Value, following: str) -> None:
            """Put the bytes of a section: ``source`` at the current offset, up to the byte where ``end`` holds."""
            m.d.sync += step.eq(Mux(put, 0, step + 1))
            with m.If(step == self.CYCLES_PER_BYTE - 2):
                m.d.sync += byte.eq(source)
            m.d.comb += cobs.input.valid.eq(put)
            with m.If(put):
                m.d.sync += self.offset.eq(self.offset + 1)
                with m.If(end):
                    m.d.sync += self.offset.eq(0)
                    m.next = following
            with m.If(self.abort):
                m.next = "CHOOSE"

        with m.FSM():
            with m.State("CHOOSE"):
                m.d.comb += [self.taken.eq(self.request & cobs.input.ready & ~self.abort), crc.start.eq(1)]
                m.d.sync += [self.offset.eq(0), step.eq(0), score_byte.eq(0)]
                with m.If(self.taken):
                    m.d.sync += [kind.eq(self.kind), sequence.eq(self.sequence), free_space.eq(self.free_space)]
                    m.next = "HEAD"
            with m.State("HEAD"):
                section(header.word_select(self.offset[:3], 8), self.offset == HEADER.size - 1, "BODY")
                m.d.comb += crc.valid.eq(put)
            with m.State("BODY"):
                section(payload_byte, last, "CRC")
                m.d.comb += crc.valid.eq(put)
                if self._camera:
                    m.d.comb += self.pop.eq(put & (kind == PacketKind.PICTURE))
                with m.If(put & (kind == PacketKind.SCORES) & (self.offset >= CLASS_INDEX.size)):
                    m.d.sync += score_byte.eq(Mux(end_of_score, 0, score_byte + 1))
                    with m.If(end_of_score):
                        m.d.sync += self.index.eq(Mux(last_class, 0, self.index + 1))
                        m.d.comb += self.complete.eq(last_class)
            with m.State("CRC"):
                section(crc.crc.word_select(self.offset[:2], 8), self.offset == CRC.size - 1, "END")
            with m.State("END"):
                m.d.comb += [cobs.input.valid.eq(1), cobs.input.payload.end.eq(1)]
                m.d.sync += kind.eq(0)
                m.next = "CHOOSE"
        with m.If(self.abort):
            m.d.sync += self.index.eq(0)
        return m

    def _packet_full(self) -> Value:
        """Whether a SCORES packet has no space for another score after the current byte."""
        scores = MAX_REPLY_PAYLOAD - CLASS_INDEX.size
        return self.offset == CLASS_INDEX.size + scores - scores % self._score_bytes - 1

    def _find_end(self, m: Module, kind: Signal, last: Signal, end_of_score: Signal, last_score: Value) -> None:
        """Drive ``last`` at the last byte of a payload: the lengths are constant but for SCORES."""
        lengths = {
            PacketKind.STATUS: WINDOW_FIELD.size,
            PacketKind.NAK: WINDOW_FIELD.size,
            PacketKind.IDENTITY: len(self._descriptor),
            PacketKind.COUNTERS: COUNTER.size * len(COUNTER_NAMES),
            **({PacketKind.CAMERA_REPORT: CAMERA_FIELDS.size} if self._camera else {}),
        }
        with m.Switch(kind):
            for fixed_kind, length in lengths.items():
                with m.Case(fixed_kind):
                    m.d.comb += last.eq(self.offset == length - 1)
            if self._camera:
                with m.Case(PacketKind.PICTURE):
                    m.d.comb += last.eq(self.picture_last)
            with m.Default():
                m.d.comb += last.eq((self.offset >= CLASS_INDEX.size) & end_of_score & last_score)

    def _select_payload_byte(self, m: Module, kind: Signal, free_space: Signal, score_byte: Signal) -> Signal:
        """The byte of the payload at the current offset."""
        index_padding = Signal(16 - len(self.index))
        first = Cat(self.index, index_padding)
        body = Signal(8)
        with m.Switch(kind):
            with m.Case(PacketKind.SCORES):
                score: Value = self.score
                padding_bits = 8 * self._score_bytes - len(self.score)
                if self._score_signed:
                    score = Cat(self.score, self.score[-1].replicate(padding_bits)).word_select(score_byte, 8)
                elif self._score_bytes > 1:
                    score_padding = Signal(padding_bits)
                    score = Cat(self.score, score_padding).word_select(score_byte, 8)
                m.d.comb += body.eq(Mux(self.offset < CLASS_INDEX.size, first.word_select(self.offset[0], 8), score))
            with m.Case(PacketKind.IDENTITY):
                m.d.comb += body.eq(self._descriptor_byte(m, self.offset[: ceil_log2(len(self._descriptor))]))
            with m.Case(PacketKind.COUNTERS):
                m.d.comb += body.eq(self.counter)
            if self._camera:
                with m.Case(PacketKind.CAMERA_REPORT):
                    m.d.comb += body.eq(self.report_byte)
                with m.Case(PacketKind.PICTURE):
                    m.d.comb += body.eq(self.picture_byte)
            with m.Default():
                m.d.comb += body.eq(free_space.word_select(self.offset[0], 8))
        return body

    def _descriptor_byte(self, m: Module, offset: Value) -> Value:
        """A byte of the descriptor: from logic at once, or from a block RAM a cycle later."""
        if not self._reloadable:
            return lookup(list(self._descriptor), offset, 8)
        stored: memory.Memory = memory.Memory(shape=8, depth=len(self._descriptor), init=self._descriptor, attrs={"rom_style": "block"})
        m.submodules.identity = stored  # ``module_names.IDENTITY`` finds it by this name
        read = stored.read_port()
        m.d.comb += read.addr.eq(offset)
        return Value.cast(read.data)
