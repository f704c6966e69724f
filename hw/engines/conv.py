# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The convolution engine: buffers input rows and computes one filter after the other (output stationary)."""

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from ...sw.plan.nodes import ConvSpec
from ..stream.signatures import pixel_stream
from ..utils import count_up, lookup
from ..weights.weight_decoder import WeightDecoder
from .fast_mac_array import FastMacArray
from .line_buffer import LineBuffer, read_port_signature
from .mac_array import MacArray


class ConvEngine(wiring.Component):
    """Convolves row after row; skips zero weights.

    With k the kernel size, s the stride and p the padding, output row y and column x of filter f are::

        total = initial[f] + sum over channels c, taps (ky, kx) of weight[f, c, ky, kx] * input[c, s*y + ky - p, s*x + kx - p]
        output[f, y, x] = clamp(total >> shift, 0, 255)

    The loops around it, from the outermost; each step of the innermost takes a cycle, in which all lanes multiply::

        for each output row y:
            wait until its input rows are in the line buffer
            for each filter f:
                for each non-zero weight of f (an entry of the weight decoder):
                    for each tile t: every lane l adds to its accumulator t, for column x = l*tiles + t (fast lanes: each two tiles)
            release the input rows that no later output row reads

    Expand engines mix filters of all taps with filters of the centre tap alone. Cycles a frame: ``spec.cycles`` when neither input nor
    output stalls; the lanes multiply in ``spec.busy_cycles`` of them.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    pixels: ``Out(read_port_signature(...))``; the line buffer (``line_buffer``)
    output: ``Out(pixel_stream(spec.output.lanes))``, natural tile order
    busy: ``Out(1)``; the lanes begin a multiplication in this cycle
    """

    pixels: Any
    output: stream.Interface
    busy: Signal

    def __init__(self, *, spec: ConvSpec) -> None:
        self._spec = spec
        port = read_port_signature(
            channels=spec.channels, tiles=spec.buffer_tiles, lanes=spec.buffer_lanes, slots=spec.slots, fast=_reads_fast(spec)
        )
        super().__init__({"pixels": Out(port), "output": Out(pixel_stream(spec.output.lanes)), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, buffer = self._spec, self.pixels
        kernel, tiles = spec.kernel, spec.entry_cycles
        column_offsets = self._column_offsets()
        rotations = sorted({rotation for offsets in column_offsets for rotation, _ in offsets})
        m.submodules.weights = weights = WeightDecoder(weights=spec.weights)
        m.submodules.mac = mac = self._mac_array(rotations)
        wiring.connect(m, mac.output, wiring.flipped(self.output))
        m.d.comb += mac.pixels.eq(buffer.data)

        # Issue: apply the present weight entry to one tile after the other. The last entry of a sum needs credit for its output.
        entry = weights.output.payload
        running = Signal()
        row_done = Signal()
        tile = Signal(range(max(2, tiles)))
        m.d.comb += self.busy.eq(running & weights.output.valid & ~buffer.hold & (~entry.last | mac.credit))
        with m.If(self.busy):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                m.d.comb += [weights.output.ready.eq(1), row_done.eq(entry.last & (entry.group == spec.weights.groups - 1))]

        # A cycle later: the address of the pixels, and what the lanes do with them.
        row_slots, row_outside = self._track_rows(m, buffer, running, row_done)
        tile_bits, column_bits = ceil_log2(tiles), ceil_log2(spec.buffer_tiles)
        ky = lookup([tap // kernel for tap in range(kernel**2)], entry.tap, max(1, ceil_log2(kernel)))
        tap_and_tile = Cat(tile[:tile_bits], entry.tap)
        channel = entry.inner[: ceil_log2(spec.channels)]
        if spec.fast:
            self._issue_pair(m, mac, buffer, rotations, tap_and_tile, (channel, row_slots[ky], row_outside[ky]))
            m.d.sync += [
                mac.strobe.eq(self.busy),
                mac.control.centroid.eq(entry.centroid),
                mac.control.pair.eq(tile),
                mac.control.filter.eq(entry.group),
                mac.control.first.eq(entry.first),
                mac.control.last.eq(entry.last),
            ]
            return m
        padded = [offsets + [(0, 0)] * ((1 << tile_bits) - tiles) for offsets in column_offsets]  # a table for every value of its index
        rotation = self._rotation_index(rotations, padded, tap_and_tile, len(mac.control.rotation))
        column = lookup([buffer_tile for offsets in padded for _, buffer_tile in offsets], tap_and_tile, max(1, column_bits))
        m.d.sync += [
            buffer.address.eq(Cat(column[:column_bits], channel, row_slots[ky])),
            mac.strobe.eq(self.busy),
            mac.control.centroid.eq(entry.centroid),
            mac.control.rotation.eq(rotation),
            mac.control.zero.eq(row_outside[ky]),
            mac.control.accumulator.eq(tile),
            mac.control.filter.eq(entry.group),
            mac.control.tile.eq(tile),
            mac.control.first.eq(entry.first),
            mac.control.last.eq(entry.last),
        ]
        return m

    def _mac_array(self, rotations: list[int]) -> Any:
        """The lanes."""
        spec = self._spec
        common: dict[str, Any] = {
            "output": spec.output,
            "source_lanes": spec.buffer_lanes,
            "rotations": rotations,
            "centroid_bits": spec.weights.centroid_bits,
            "arithmetic": spec.arithmetic,
        }
        if spec.fast:
            return FastMacArray(**common, tiles_in_word=spec.tiles_in_word)
        return MacArray(**common, accumulators=spec.output.tiles, raw_distance=spec.output.tiles)

    def _issue_pair(
        self, m: Module, mac: Any, buffer: Any, rotations: list[int], tap_and_pair: Value, row: tuple[Value, Value, Value]
    ) -> None:
        """The addresses of the pixels of two tiles, and their rotations; ``row``: channel, slot, and whether it is outside the map."""
        spec = self._spec
        channel, slot, outside = row
        column_bits = ceil_log2(spec.buffer_tiles)
        # Both tiles are in one word, at the address of the first, or the second has an address of its own.
        addresses = (buffer.address, buffer.next_address) if _reads_fast(spec) else (buffer.address, None)
        for half, (address, place) in enumerate(zip(addresses, (mac.control.rotation_0, mac.control.rotation_1), strict=True)):
            halves = [offsets[half::2] for offsets in self._column_offsets()]
            padded = [offsets + [(0, 0)] * ((1 << ceil_log2(spec.entry_cycles)) - len(offsets)) for offsets in halves]
            rotation = self._rotation_index(rotations, padded, tap_and_pair, len(place))
            m.d.sync += place.eq(Mux(outside, len(rotations), rotation))
            if address is not None:
                column = lookup([tile for offsets in padded for _, tile in offsets], tap_and_pair, max(1, column_bits))
                m.d.sync += address.eq(Cat(column[:column_bits], channel, slot))

    def _column_offsets(self) -> list[list[tuple[int, int]]]:
        """For each tap and output tile: where the input column lies, as (lanes further on, tile of the line buffer).

        In output tile t, lane l computes column x = l*tiles + t and reads input column s*x + kx - p = l*(s*tiles) + (s*t + kx - p). The
        line buffer has s*tiles tiles, so the last term divided by that gives the rotation and the tile for all lanes alike. Where a word
        holds both of two tiles, the buffer has s tiles and twice the lanes: the first term, l*(s*2), is then the start of lane 2*l of it.
        """
        spec = self._spec
        return [
            [divmod(spec.stride * tile + tap % spec.kernel - spec.padding, spec.buffer_tiles) for tile in range(spec.output.tiles)]
            for tap in range(spec.kernel**2)
        ]

    @staticmethod
    def _rotation_index(rotations: list[int], offsets: list[list[tuple[int, int]]], tap_and_tile: Value, width: int) -> Value:
        """The index in ``rotations`` for a tap and tile; combinations that do not occur get index 0."""
        table = [rotations.index(rotation) if rotation in rotations else 0 for row in offsets for rotation, _ in row]
        return lookup(table, tap_and_tile, width)

    def _track_rows(self, m: Module, buffer: Any, running: Signal, row_done: Signal) -> tuple[Array[Signal], Array[Signal]]:
        """Waits for the input rows of an output row and releases those that no later one reads.

        The kernel's rows relative to the map, for the present output row::

            rows 0 .. rows_above-1             above the map: zero
            rows rows_above .. rows_end-1      in the line buffer, from the oldest slot on
            rows rows_end .. kernel-1          below the map: zero

        Returns, for each row of the kernel, the slot of its input row, and whether it is outside the map.
        """
        spec = self._spec
        kernel = spec.kernel
        row_slots = Array(Signal(range(spec.slots), name=f"row_slot_{ky}") for ky in range(kernel))
        row_outside = Array(Signal(name=f"row_outside_{ky}") for ky in range(kernel))
        oldest_slot = Signal(range(spec.slots))
        rows_above = Signal(range(spec.padding + 1), init=spec.padding)
        rows_left = Signal(range(spec.height + 1), init=spec.height)  # input rows of the frame that are not released
        output_row = Signal(range(spec.output_height))
        rows_to_release = Signal(range(max(spec.height, spec.stride) + 1))
        rows_end = Signal(range(kernel + 1))
        m.d.comb += rows_end.eq(Mux(rows_left < kernel - rows_above, rows_left + rows_above, kernel))

        with m.FSM():
            with m.State("WAIT"):
                for ky in range(kernel):
                    slot = oldest_slot + ky - rows_above
                    m.d.sync += [
                        row_slots[ky].eq(Mux(slot >= spec.slots, slot - spec.slots, slot)),
                        row_outside[ky].eq((ky < rows_above) | (ky >= rows_end)),
                    ]
                with m.If(buffer.available >= rows_end - rows_above):
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += running.eq(1)
                with m.If(row_done):
                    # The kernel moves down by the stride: first out of the rows above the map, then over rows of the buffer.
                    count_up(m, output_row, spec.output_height)
                    stays_above = rows_above > spec.stride
                    m.d.sync += [
                        rows_above.eq(Mux(stays_above, rows_above - spec.stride, 0)),
                        rows_to_release.eq(Mux(stays_above, 0, spec.stride - rows_above)),
                    ]
                    with m.If(output_row == spec.output_height - 1):
                        # The end of the frame: release what is left of it, even rows that have not arrived yet.
                        m.d.sync += [rows_above.eq(spec.padding), rows_to_release.eq(rows_left)]
                    m.next = "RELEASE"
            with m.State("RELEASE"):
                with m.If(rows_to_release == 0):
                    m.next = "WAIT"
                    with m.If(rows_left == 0):
                        m.d.sync += rows_left.eq(spec.height)
                with m.Elif(buffer.available != 0):
                    m.d.comb += buffer.release.eq(1)
                    m.d.sync += [rows_to_release.eq(rows_to_release - 1), rows_left.eq(rows_left - 1)]
                    count_up(m, oldest_slot, spec.slots)
        return row_slots, row_outside


def line_buffer(spec: ConvSpec, readers: int) -> LineBuffer:
    """The line buffer of a convolution engine, or of two partitions that share it."""
    return LineBuffer(
        source=spec.source,
        channels_last=spec.channels_last,
        channels=spec.channels,
        tiles=spec.buffer_tiles,
        lanes=spec.buffer_lanes,
        slots=spec.slots,
        readers=readers,
        distributed=spec.distributed,
        banked=spec.distributed and readers == 1,
        fast=_reads_fast(spec),
    )


def _reads_fast(spec: ConvSpec) -> bool:
    """Whether the line buffer is read at twice the clock."""
    return spec.fast and not spec.wide_words
