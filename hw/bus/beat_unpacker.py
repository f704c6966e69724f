# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The beats of AXI4-Stream as single bytes."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .signatures import PACKET_BYTE, beat_layout, beat_stream


class BeatUnpacker(wiring.Component):
    """Sends the bytes of each beat one after the other, the lowest first.

    Bytes that TKEEP marks as null are left out: in front of other bytes of their beat each takes a cycle, behind them none. A beat of
    null bytes alone is sent as one byte that is not present, since it may end a packet::

        cycle    0     1     2     3     4
        input    dcba  ...   .eee  ...               4 bytes; b and c are null, the second beat is the last
        output         a     -     -     d     ...

    Latency: LATENCY cycle. Throughput: one byte a cycle.

    Parameters
    ----------
    stream_bytes: bytes of a beat

    Members
    -------
    input: ``In(beat_stream(stream_bytes))``
    output: ``Out(stream.Signature(PACKET_BYTE))``
    """

    LATENCY = 1

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, stream_bytes: int) -> None:
        self._layout = beat_layout(stream_bytes)
        super().__init__({"input": In(beat_stream(stream_bytes)), "output": Out(stream.Signature(PACKET_BYTE))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat: Any = Signal(self._layout, reset_less=True)
        full = Signal()
        more = Signal()  # bytes of this beat follow
        m.d.comb += [
            more.eq(beat.keep[1:].any()),
            self.output.valid.eq(full),
            self.output.payload.byte.eq(beat.data[:8]),
            self.output.payload.present.eq(beat.keep[0]),
            self.output.payload.last.eq(beat.last & ~more),
            self.input.ready.eq(~full | (self.output.ready & ~more)),
        ]
        with m.If(self.input.ready):
            m.d.sync += [full.eq(self.input.valid), beat.eq(self.input.payload)]
        with m.Elif(self.output.ready):
            m.d.sync += [beat.data.eq(beat.data >> 8), beat.keep.eq(beat.keep >> 1)]
        return m
