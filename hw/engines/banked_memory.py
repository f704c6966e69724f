# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A deep memory in distributed RAM, with registers on every side of its banks."""

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..stream.signatures import pixel_beat

BANK_DEPTH = 16
"""What a LUT holds of each bit."""


class BankedMemory(wiring.Component):
    """Banks of BANK_DEPTH words, between registers: what comes is written a cycle later, and what a bank reads is chosen a cycle later.

    So its clock does not fall with its depth. A word can be read from the cycle after the one in which it is written.

    Parameters
    ----------
    depth, lanes: words, and pixels in each
    spread: each pixel of a word is written by itself

    Members
    -------
    write_address, write_data: ``In``
    enables: ``In``; a bit for each pixel that is written, or one for the whole word
    read_address: ``In``
    output: ``Out(word(lanes))``; the word at the address of two cycles before
    """

    write_address: Signal
    write_data: data.View
    enables: Signal
    read_address: Signal
    output: data.View

    def __init__(self, *, depth: int, lanes: int, spread: bool) -> None:
        self._depth = depth
        self._lanes = lanes
        self._spread = spread
        super().__init__(
            {
                "write_address": In(ceil_log2(depth)),
                "write_data": In(pixel_beat(lanes)),
                "enables": In(lanes if spread else 1),
                "read_address": In(ceil_log2(depth)),
                "output": Out(pixel_beat(lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        within = ceil_log2(BANK_DEPTH)
        place, written = Signal(within, reset_less=True), Signal(pixel_beat(self._lanes), reset_less=True)
        m.d.sync += [place.eq(self.write_address), written.eq(self.write_data)]
        found: list[Value] = []
        for number in range(-(-self._depth // BANK_DEPTH)):
            bank: memory.Memory = memory.Memory(
                shape=pixel_beat(self._lanes), depth=BANK_DEPTH, init=[], attrs={"ram_style": "distributed"}
            )
            m.submodules[f"bank_{number}"] = bank
            write, read = bank.write_port(granularity=1 if self._spread else None), bank.read_port()
            m.d.sync += write.en.eq(Mux(self.write_address[within:] == number, self.enables, 0))
            m.d.comb += [write.addr.eq(place), write.data.eq(written), read.addr.eq(self.read_address), read.en.eq(1)]
            found.append(Value.cast(read.data))
        chosen = Signal(len(self.read_address), reset_less=True)
        m.d.sync += [chosen.eq(self.read_address), Value.cast(self.output).eq(Array(found)[chosen[within:]])]
        return m
