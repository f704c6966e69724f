# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The convolution engine: keeps rows, does one filter after the other (output stationary)."""

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from ...sw.plan.nodes import ConvSpec
from ..stream.signatures import pixel_stream
from ..utils import count_up, lookup
from ..weights.weight_decoder import WeightDecoder
from .line_buffer import LineBuffer, read_port_signature
from .mac_array import MacArray


class ConvEngine(wiring.Component):
    """Convolves row after row: for each filter, for each of its non-zero weights, for each tile of the row, one cycle.

    A row begins when the input rows that it reads are in the line buffer, and rows that no later one reads are released behind it. Rows
    above and below the map are zero. Expand engines mix filters of all taps with filters of the centre tap alone. Cycles a frame:
    ``spec.cycles`` when neither input nor output waits; lanes multiply in ``spec.busy_cycles`` of them.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    pixels: ``Out(reading(...))``; the line buffer (``line_buffer``)
    output: ``Out(words(spec.output.lanes))``, natural tile order
    busy: ``Out(1)``; lanes begin a multiplication in this cycle
    """

    pixels: Any
    output: stream.Interface
    busy: Signal

    def __init__(self, *, spec: ConvSpec) -> None:
        self._spec = spec
        port = read_port_signature(channels=spec.channels, tiles=spec.buffer_tiles, lanes=spec.buffer_lanes, slots=spec.slots)
        super().__init__({"pixels": Out(port), "output": Out(pixel_stream(spec.output.lanes)), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, buffer = self._spec, self.pixels
        kernel, tiles = spec.kernel, spec.output.tiles
        # For each tap and tile, by how many lanes the pixels are rotated, and which tile of the buffer they are in.
        reads = [
            [divmod(spec.stride * tile + tap % kernel - spec.padding, spec.buffer_tiles) for tile in range(tiles)]
            for tap in range(kernel**2)
        ]
        rotations = sorted({rotation for row in reads for rotation, _ in row})
        m.submodules.weights = weights = WeightDecoder(weights=spec.weights)
        m.submodules.mac = mac = MacArray(
            output=spec.output,
            source_lanes=spec.buffer_lanes,
            rotations=rotations,
            sums=tiles,
            centroid_bits=spec.weights.centroid_bits,
            arithmetic=spec.arithmetic,
            revisit=tiles,
        )
        wiring.connect(m, mac.output, wiring.flipped(self.output))
        m.d.comb += mac.pixels.eq(buffer.data)

        # Issue: the entry at hand, for one tile after the other.
        entry = weights.output.payload
        running, row_done = Signal(), Signal()
        tile = Signal(range(max(2, tiles)))
        m.d.comb += self.busy.eq(running & weights.output.valid & ~buffer.hold & (~entry.last | mac.credit))
        with m.If(self.busy):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                m.d.comb += [weights.output.ready.eq(1), row_done.eq(entry.last & (entry.group == spec.weights.groups - 1))]

        # A cycle later, the address of its pixels and what to do with them.
        slots, outside = self._rows(m, buffer, running, row_done)
        ky = lookup([tap // kernel for tap in range(kernel**2)], entry.tap, max(1, ceil_log2(kernel)))
        padded = [row + [(0, 0)] * ((1 << ceil_log2(tiles)) - tiles) for row in reads]
        place = Cat(tile[: ceil_log2(tiles)], entry.tap)
        rotation = lookup([rotations.index(r) if r in rotations else 0 for row in padded for r, _ in row], place, len(mac.control.rotation))
        column = lookup([t for row in padded for _, t in row], place, max(1, ceil_log2(spec.buffer_tiles)))
        channel = entry.inner[: ceil_log2(spec.channels)]
        m.d.sync += [
            buffer.address.eq(Cat(column[: ceil_log2(spec.buffer_tiles)], channel, slots[ky])),
            mac.strobe.eq(self.busy),
            mac.control.centroid.eq(entry.centroid),
            mac.control.rotation.eq(rotation),
            mac.control.zero.eq(outside[ky]),
            mac.control.sum.eq(tile),
            mac.control.start.eq(entry.group),
            mac.control.tile.eq(tile),
            mac.control.first.eq(entry.first),
            mac.control.last.eq(entry.last),
        ]
        return m

    def _rows(self, m: Module, buffer: Any, running: Signal, row_done: Signal) -> tuple[Array[Signal], Array[Signal]]:
        """Waits for the rows that an output row reads and releases those that no later one does.

        Returns, for each row of the kernel, the slot that holds it, and whether it lies above or below the map.
        """
        spec = self._spec
        kernel = spec.kernel
        slots = Array(Signal(range(spec.slots), name=f"slot_{ky}") for ky in range(kernel))
        outside = Array(Signal(name=f"outside_{ky}") for ky in range(kernel))
        oldest = Signal(range(spec.slots))
        above = Signal(range(spec.padding + 1), init=spec.padding)  # rows of the kernel above the map
        left = Signal(range(spec.height + 1), init=spec.height)  # rows of the frame that are not released
        row = Signal(range(spec.output_height))
        due = Signal(range(max(spec.height, spec.stride) + 1))  # rows to release
        below = Signal(range(kernel + 1))  # rows of the kernel above the map's lower edge
        m.d.comb += below.eq(Mux(left < kernel - above, left + above, kernel))

        with m.FSM():
            with m.State("WAIT"):
                for ky in range(kernel):
                    index = oldest + ky - above
                    m.d.sync += [
                        slots[ky].eq(Mux(index >= spec.slots, index - spec.slots, index)),
                        outside[ky].eq((ky < above) | (ky >= below)),
                    ]
                with m.If(buffer.available >= below - above):
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += running.eq(1)
                with m.If(row_done):
                    count_up(m, row, spec.output_height)
                    beyond = above > spec.stride
                    m.d.sync += [above.eq(Mux(beyond, above - spec.stride, 0)), due.eq(Mux(beyond, 0, spec.stride - above))]
                    with m.If(row == spec.output_height - 1):
                        m.d.sync += [above.eq(spec.padding), due.eq(left)]
                    m.next = "RELEASE"
            with m.State("RELEASE"):
                with m.If(due == 0):
                    m.next = "WAIT"
                    with m.If(left == 0):
                        m.d.sync += left.eq(spec.height)
                with m.Elif(buffer.available != 0):
                    m.d.comb += buffer.release.eq(1)
                    m.d.sync += [due.eq(due - 1), left.eq(left - 1)]
                    count_up(m, oldest, spec.slots)
        return slots, outside


def line_buffer(spec: ConvSpec, readers: int) -> LineBuffer:
    """The rows that so many engines, one or two, of one layer read."""
    return LineBuffer(
        source=spec.source,
        raster=spec.channels_last,
        channels=spec.channels,
        tiles=spec.buffer_tiles,
        lanes=spec.buffer_lanes,
        slots=spec.slots,
        readers=readers,
        distributed=spec.distributed,
        banked=spec.distributed and readers == 1,
    )
