# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The mean of each square of a picture's pixels."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..utils import count_up


class SquareAverager(wiring.Component):
    """Scales a picture down by a power of two: the means of squares, rounded to the nearest, halves up.

    The sums of the rows of squares that have begun lie in distributed RAM: a word for each square of a row. With a factor of 1 there is
    none. Latency: LATENCY cycles from the last pixel of a square to its mean. Throughput: a pixel a cycle.

    Parameters
    ----------
    channels: colours of a pixel
    width: columns of the picture that leaves; that which enters has ``factor`` times as many
    factor: side of a square

    Members
    -------
    start: ``In(1)``; forget what has come: the next pixel is the first of a picture
    pixel: ``In(8 * channels)``, valid: ``In(1)``; a pixel, row by row
    mean: ``Out(8 * channels)``, mean_valid: ``Out(1)``
    """

    LATENCY = 1

    start: Signal
    pixel: Signal
    valid: Signal
    mean: Signal
    mean_valid: Signal

    def __init__(self, *, channels: int, width: int, factor: int) -> None:
        if factor < 1 or factor & (factor - 1):
            raise ValueError(f"factor must be a power of two, not {factor}")
        self._channels, self._width, self._factor = channels, width, factor
        colours = 8 * channels
        super().__init__({"start": In(1), "pixel": In(colours), "valid": In(1), "mean": Out(colours), "mean_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shift = 2 * (self._factor.bit_length() - 1)
        if self._factor == 1:
            m.d.sync += [self.mean.eq(self.pixel), self.mean_valid.eq(self.valid & ~self.start)]
            return m
        width = 8 + shift
        across = Signal(range(self._factor))  # within the square
        down = Signal(range(self._factor))
        column = Signal(range(max(2, self._width)))  # of the square
        sums: Any = memory.Memory(shape=self._channels * width, depth=self._width, init=[])
        m.submodules.sums = sums
        read = sums.read_port(domain="comb")
        write = sums.write_port()
        rightmost = across == self._factor - 1
        lowest = down == self._factor - 1
        totals = []
        for channel in range(self._channels):
            row_sum = Signal(width, name=f"row_sum_{channel}")  # of the pixels of this row of the square
            total = Signal(width, name=f"total_{channel}")
            above = Signal(width, name=f"above_{channel}")
            pixel = self.pixel.word_select(channel, 8)
            with m.If(down != 0):
                m.d.comb += above.eq(read.data.word_select(channel, width))
            m.d.comb += total.eq(row_sum + pixel + above)
            with m.If(self.valid):
                m.d.sync += row_sum.eq(row_sum + pixel)
                with m.If(rightmost):
                    m.d.sync += row_sum.eq(0)
            with m.If(self.start):
                m.d.sync += row_sum.eq(0)
            m.d.sync += self.mean.word_select(channel, 8).eq((total + (1 << (shift - 1))) >> shift)
            totals.append(total)
        m.d.comb += [
            read.addr.eq(column),
            write.addr.eq(column),
            write.data.eq(Cat(totals)),
            write.en.eq(self.valid & rightmost),
        ]
        m.d.sync += self.mean_valid.eq(self.valid & rightmost & lowest & ~self.start)
        with m.If(self.valid):
            count_up(m, across, self._factor)
            with m.If(rightmost):
                count_up(m, column, self._width)
                with m.If(column == self._width - 1):
                    count_up(m, down, self._factor)
        with m.If(self.start):
            m.d.sync += [across.eq(0), column.eq(0), down.eq(0)]
        return m
