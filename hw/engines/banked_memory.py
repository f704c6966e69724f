# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A deep memory in distributed RAM, pipelined so that its clock does not fall with its depth."""

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..stream.signatures import pixel_beat

BANK_DEPTH = 16
"""Words that a LUT holds of each bit."""


class BankedMemory(wiring.Component):
    """Banks of BANK_DEPTH words with registers in front of their write ports and behind their read ports.

    The upper address bits select a bank, the lower ones a word in it. A word is written a cycle after it arrives. Reads take two cycles::

        cycle     0              1                                   2
                  read_address   a word of every bank, bank select   output

    A word can be read by a ``read_address`` from two cycles after its ``write_address``.

    Parameters
    ----------
    depth, lanes: number of words, and pixels in each
    pixel_enables: whether each pixel of a word is written by itself

    Members
    -------
    write_address, write_data: ``In``
    enables: ``In``; a bit for each pixel that is written, or one for the whole word
    read_address: ``In``
    output: ``Out(pixel_beat(lanes))``; the word at the address of READ_LATENCY cycles ago
    """

    READ_LATENCY = 2

    write_address: Signal
    write_data: data.View
    enables: Signal
    read_address: Signal
    output: data.View

    def __init__(self, *, depth: int, lanes: int, pixel_enables: bool) -> None:
        self._depth = depth
        self._lanes = lanes
        self._pixel_enables = pixel_enables
        super().__init__(
            {
                "write_address": In(ceil_log2(depth)),
                "write_data": In(pixel_beat(lanes)),
                "enables": In(lanes if pixel_enables else 1),
                "read_address": In(ceil_log2(depth)),
                "output": Out(pixel_beat(lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        offset_bits = ceil_log2(BANK_DEPTH)

        # Write: the bank's enable is decoded while address and data pass a register.
        write_offset = Signal(offset_bits, reset_less=True)
        write_word = Signal(pixel_beat(self._lanes), reset_less=True)
        m.d.sync += [write_offset.eq(self.write_address), write_word.eq(self.write_data)]
        words: list[Value] = []
        for index in range(-(-self._depth // BANK_DEPTH)):
            bank: memory.Memory = memory.Memory(
                shape=pixel_beat(self._lanes), depth=BANK_DEPTH, init=[], attrs={"ram_style": "distributed"}
            )
            m.submodules[f"bank_{index}"] = bank
            write = bank.write_port(granularity=1 if self._pixel_enables else None)
            read = bank.read_port()
            m.d.sync += write.en.eq(Mux(self.write_address[offset_bits:] == index, self.enables, 0))
            m.d.comb += [write.addr.eq(write_offset), write.data.eq(write_word), read.addr.eq(self.read_address), read.en.eq(1)]
            words.append(Value.cast(read.data))

        # Read: every bank reads, then one of them is selected.
        selected_address = Signal(len(self.read_address), reset_less=True)
        m.d.sync += [
            selected_address.eq(self.read_address),
            Value.cast(self.output).eq(Array(words)[selected_address[offset_bits:]]),
        ]
        return m
