# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Stands in for the accelerator on a bus: small, with scores that depend on every byte of a frame."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firebrick.hw.bus.bus_accelerator import BusAccelerator
from firebrick.hw.engines.global_sum import score_stream
from firebrick.hw.stream.fifo import Fifo
from firebrick.hw.utils import count_up
from firebrick.sw.link.register_map import CoreDescriptor
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec

SPEC = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=2, width=2), channels=24, height=30)
FRAMES_INSIDE = 3


def scores(frame: bytes, spec: GlobalSumSpec = SPEC) -> bytes:
    """The packet of a frame's scores: class x (1 + the sum of its bytes)."""
    return b"".join((index * (1 + sum(frame)) % (1 << spec.score_bits)).to_bytes(2, "little") for index in range(spec.channels))


class SlowSum(wiring.Component):
    """Computes ``scores`` and keeps FRAMES_INSIDE frames that wait for their scores to be taken."""

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, frame_bytes: int, spec: GlobalSumSpec = SPEC) -> None:
        self._frame_bytes = frame_bytes
        self._spec = spec
        super().__init__({"input": In(stream.Signature(8)), "output": Out(score_stream(spec))})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.sums = sums = Fifo(shape=self._spec.score_bits, depth=FRAMES_INSIDE)
        offset = Signal(range(max(2, self._frame_bytes)))
        total = Signal(self._spec.score_bits, init=1)
        index = Signal(range(max(2, self._spec.channels)))
        final = offset == self._frame_bytes - 1
        m.d.comb += [
            self.input.ready.eq(~final | sums.input.ready),
            sums.input.valid.eq(self.input.valid & final),
            sums.input.payload.eq(total + self.input.payload),
        ]
        with m.If(self.input.valid & self.input.ready):
            count_up(m, offset, self._frame_bytes)
            m.d.sync += total.eq(total + self.input.payload)
            with m.If(final):
                m.d.sync += total.eq(1)
        last = index == self._spec.channels - 1
        m.d.comb += [
            self.output.valid.eq(sums.output.valid),
            self.output.payload.score.eq(sums.output.payload * index),
            self.output.payload.last.eq(last),
            sums.output.ready.eq(self.output.ready & last),
        ]
        with m.If(self.output.valid & self.output.ready):
            count_up(m, index, self._spec.channels)
        return m


def sum_descriptor(frame_bytes: int, spec: GlobalSumSpec = SPEC) -> CoreDescriptor:
    """The descriptor of a ``SlowSum``."""
    return CoreDescriptor(
        checksum=bytes(range(16)),
        channels=1,
        rows=1,
        columns=frame_bytes,
        classes=spec.channels,
        score_bits=spec.score_bits,
        score_signed=False,
        score_scale=0.5,
        lanes=1,
        cycles=frame_bytes,
    )


def sum_on_bus(frame_bytes: int, stream_bytes: int, spec: GlobalSumSpec = SPEC) -> BusAccelerator:
    """A ``SlowSum`` on a bus."""
    accelerator, descriptor = SlowSum(frame_bytes=frame_bytes, spec=spec), sum_descriptor(frame_bytes, spec)
    return BusAccelerator(accelerator=accelerator, global_sum=spec, descriptor=descriptor, stream_bytes=stream_bytes)
