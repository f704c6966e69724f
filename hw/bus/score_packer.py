# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Scores as packets of AXI4-Stream."""

from amaranth.hdl import Const, Module, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_stream
from ..utils import count_up
from .signatures import beat_layout, beat_stream


class ScorePacker(wiring.Component):
    """Packs the scores of a frame into one packet: each in whole bytes, least significant first, one behind the other.

    Scores are extended to whole bytes, by their sign where they have one. The last beat has null bytes (TKEEP 0, zeros) where the scores
    end::

        cycle    0   1   2   3   4     5   6                    2 bytes a score, 4 bytes a beat, 3 scores
        input    s0  .   s1  .   s2    .
        output                         s1 s0    .    -- s2      the first beat comes in cycle 5

    It packs a byte a cycle; the accelerator's scores are further apart than that. Latency: a cycle, and one for each byte of the first
    beat (``latency``). All outputs are registers.

    Parameters
    ----------
    global_sum: the accelerator's last node
    score_bytes: bytes of a score
    stream_bytes: bytes of a beat

    Members
    -------
    input: ``In(score_stream(global_sum))``
    output: ``Out(beat_stream(stream_bytes))``
    busy: ``Out(1)``; scores were taken and have not all left
    """

    BYTES_PER_CYCLE = 1
    """Throughput."""

    input: stream.Interface
    output: stream.Interface
    busy: Signal

    def __init__(self, *, global_sum: GlobalSumSpec, score_bytes: int, stream_bytes: int) -> None:
        if 8 * score_bytes < global_sum.score_bits:
            raise ValueError(f"score_bytes must hold {global_sum.score_bits} bits, not {score_bytes} bytes")
        self._global_sum = global_sum
        self._score_bytes = score_bytes
        self._stream_bytes = stream_bytes
        self._layout = beat_layout(stream_bytes)
        super().__init__({"input": In(score_stream(global_sum)), "output": Out(beat_stream(stream_bytes)), "busy": Out(1)})

    @staticmethod
    def latency(packet_bytes: int, stream_bytes: int) -> int:
        """Cycles from the first score of a packet to its first beat, when the scores come as fast as they are taken."""
        return 1 + min(packet_bytes, stream_bytes)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = Signal(8 * self._score_bytes, reset_less=True)
        left = Signal(range(self._score_bytes + 1))  # bytes of the score that are still to be packed
        last_score = Signal(reset_less=True)
        last_byte = Signal()
        advance = Signal()
        packed = Signal()
        lane = Signal(range(max(2, self._stream_bytes)))
        m.d.comb += [
            advance.eq(~self.output.valid | self.output.ready),
            packed.eq(advance & (left != 0)),
            last_byte.eq(last_score & (left == 1)),
            self.busy.eq(self.output.valid | (left != 0) | (lane != 0)),
            self.input.ready.eq((left == 0) | ((left == 1) & advance)),
        ]
        score = Signal(Shape(8 * self._score_bytes, self._global_sum.score_signed))
        m.d.comb += score.eq(self.input.payload.score)
        with m.If(self.input.ready):
            m.d.sync += [word.eq(Value.cast(score)), last_score.eq(self.input.payload.last)]
            m.d.sync += left.eq(self.input.valid * Const(self._score_bytes))
        with m.Elif(packed):
            m.d.sync += [word.eq(word >> 8), left.eq(left - 1)]

        beat = self.output.payload
        with m.If(advance):
            m.d.sync += self.output.valid.eq(packed & (last_byte | (lane == self._stream_bytes - 1)))
        with m.If(packed):
            m.d.sync += beat.last.eq(last_byte)
            count_up(m, lane, self._stream_bytes)
            with m.If(lane == 0):
                m.d.sync += [beat.data.eq(0), beat.keep.eq(0)]
            with m.If(last_byte):
                m.d.sync += lane.eq(0)
            with m.Switch(lane):
                for number in range(self._stream_bytes):
                    with m.Case(number):
                        m.d.sync += [beat.data[8 * number : 8 * number + 8].eq(word[:8]), beat.keep[number].eq(1)]
        return m
