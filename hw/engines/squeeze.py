# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The squeeze engine: adds each input channel to the accumulators of all its filters as it arrives (input stationary)."""

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
    """A 1x1 convolution from many channels to few. It buffers no input row, only an accumulator for each filter and column.

    Output row y, column x of filter f is::

        output[f, y, x] = clamp((initial[f] + sum over channels c of weight[f, c] * input[c, y, x]) >> shift, 0, 255)

    The loops around it, from the outermost; each step of the innermost takes a cycle, in which all lanes multiply::

        for each row y:
            for each channel c, when it has arrived:
                for each filter f with an entry for c:
                    for each tile t: every lane l adds to accumulator (f, t), for column x = l*tiles + t

    Every filter has an entry for the first channel, even if its weight is zero, because that entry starts the sum; and one for the last
    channel, because that entry ends it. Cycles a frame: ``spec.cycles``.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(pixel_stream(spec.source.lanes))``
    output: ``Out(pixel_stream(spec.output.lanes))``, natural tile order
    busy: ``Out(1)``; the lanes begin a multiplication in this cycle
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
        accumulators = spec.weights.inner << tile_bits  # addressed by filter and tile side by side
        m.submodules.weights = weights = WeightDecoder(weights=spec.weights)
        m.submodules.channel_buffer = buffer = LineBuffer(
            source=spec.source,
            channels_last=False,
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
            accumulators=accumulators,
            centroid_bits=spec.weights.centroid_bits,
            arithmetic=spec.arithmetic,
            raw_distance=tiles,
            block_ram=tiles >= MIN_BLOCK_RAM_RAW_DISTANCE and accumulators >= MIN_BLOCK_RAM_SUMS,
        )
        wiring.connect(m, wiring.flipped(self.input), buffer.input)
        wiring.connect(m, mac.output, wiring.flipped(self.output))
        m.d.comb += mac.pixels.eq(pixels.data)

        # Issue: apply the present weight entry to one tile after the other. A channel that is being released is no longer available.
        entry = weights.output.payload
        first_channel = Signal()
        last_channel = Signal()
        tile = Signal(range(max(2, tiles)))
        slot = Signal(range(spec.slots))
        m.d.comb += [
            first_channel.eq(entry.group == 0),
            last_channel.eq(entry.group == spec.weights.groups - 1),
            self.busy.eq(weights.output.valid & (pixels.available > pixels.release) & (~last_channel | mac.credit)),
        ]
        m.d.sync += pixels.release.eq(0)
        with m.If(self.busy):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                m.d.comb += weights.output.ready.eq(1)
                with m.If(entry.last):
                    # A cycle later, like the address of its last word.
                    m.d.sync += pixels.release.eq(1)
                    count_up(m, slot, spec.slots)

        # A cycle later: the address of the pixels, and what the lanes do with them.
        m.d.sync += [
            pixels.address.eq(Cat(tile[:tile_bits], slot)),
            mac.strobe.eq(self.busy),
            mac.control.centroid.eq(entry.centroid),
            mac.control.accumulator.eq(Cat(tile[:tile_bits], entry.inner)),
            mac.control.filter.eq(entry.inner),
            mac.control.tile.eq(tile),
            mac.control.first.eq(first_channel),
            mac.control.last.eq(last_channel),
        ]
        return m
