# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The squeeze engine: adds each input channel to all its filters' sums as it comes (input stationary)."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.plan.memory_mapping import MIN_BLOCK_RAM_RAW_DISTANCE, MIN_BLOCK_RAM_SUMS
from ...sw.plan.nodes import SqueezeSpec
from ..stream.signatures import pixel_stream
from ..utils import count_up
from ..weights.weight_decoder import WeightDecoder
from .line_buffer import LineBuffer
from .mac_array import MacArray


class SqueezeEngine(wiring.Component):
    """A 1x1 convolution from many channels to few that stores no row of its input, only one sum for each filter and column.

    For each channel of a row, for each of its non-zero weights, for each tile, one cycle. Every weight of the first channel has an
    entry, which starts its sum, and every weight of the last one, which ends it. Cycles a frame: ``spec.cycles``.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(words(spec.source.lanes))``
    output: ``Out(words(spec.output.lanes))``, natural tile order
    busy: ``Out(1)``; lanes begin a multiplication in this cycle
    """

    input: stream.Interface
    output: stream.Interface
    busy: Signal

    def __init__(self, *, spec: SqueezeSpec) -> None:
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(pixel_stream(spec.output.lanes)), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        lanes, tiles = spec.output.lanes, spec.output.tiles
        tile_bits = ceil_log2(tiles)
        m.submodules.weights = weights = WeightDecoder(weights=spec.weights)
        m.submodules.buffer = buffer = LineBuffer(
            source=spec.source,
            raster=False,
            channels=1,
            tiles=tiles,
            lanes=lanes,
            slots=spec.slots,
            distributed=spec.distributed,
        )
        pixels = buffer.readers[0]
        m.submodules.mac = mac = MacArray(
            output=spec.output,
            source_lanes=lanes,
            rotations=[0],
            sums=spec.weights.inner << tile_bits,
            centroid_bits=spec.weights.centroid_bits,
            arithmetic=spec.arithmetic,
            revisit=tiles,
            block=tiles >= MIN_BLOCK_RAM_RAW_DISTANCE and spec.weights.inner << tile_bits >= MIN_BLOCK_RAM_SUMS,
        )
        wiring.connect(m, wiring.flipped(self.input), buffer.input)
        wiring.connect(m, mac.output, wiring.flipped(self.output))
        m.d.comb += mac.pixels.eq(pixels.data)

        entry = weights.output.payload
        first, last = Signal(), Signal()
        tile = Signal(range(max(2, tiles)))
        slot = Signal(range(spec.slots))
        m.d.comb += [
            first.eq(entry.group == 0),
            last.eq(entry.group == spec.weights.groups - 1),
            self.busy.eq(weights.output.valid & (pixels.available > pixels.release) & (~last | mac.credit)),
        ]
        m.d.sync += pixels.release.eq(0)
        with m.If(self.busy):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                m.d.comb += weights.output.ready.eq(1)
                with m.If(entry.last):
                    # Released a cycle later, when the last word has been read.
                    m.d.sync += pixels.release.eq(1)
                    count_up(m, slot, spec.slots)
        m.d.sync += [
            pixels.address.eq(Cat(tile[:tile_bits], slot)),
            mac.strobe.eq(self.busy),
            mac.control.centroid.eq(entry.centroid),
            mac.control.sum.eq(Cat(tile[:tile_bits], entry.inner)),
            mac.control.start.eq(entry.inner),
            mac.control.tile.eq(tile),
            mac.control.first.eq(first),
            mac.control.last.eq(last),
        ]
        return m
