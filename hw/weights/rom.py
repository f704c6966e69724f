# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A read-only memory whose words come as streams, each repeated forever."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from amaranth.hdl import Array, ClockSignal, Const, Instance, Module, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from ...sw.coding.streams import LUT_ROM_BITS
from ...sw.plan.memory_mapping import BLOCK_RAM_BITS
from ..stream.fifo import Fifo
from .rom_contents import RomContents

FIFO_DEPTH = 16
"""Depth of the output FIFOs. It exceeds the number of words in flight, so that each stream has a word every cycle."""
READ_LATENCY = 4
"""Cycles from an address to its word at the FIFO: registers before the memory, in it, behind its bank, and behind the bank multiplexer."""
TREE_WORDS = 128
"""Words of a bank in look-up tables that lie in front of one register: as many as an ECP5 selects with the multiplexers in its slices."""


@dataclass(frozen=True)
class RomBank:
    """The part of a ROM that one block RAM can hold, and the lists that are read from it."""

    first: int
    """Address in the ROM of its first word."""
    words: tuple[int, ...] = field(repr=False)
    ports: tuple[int, ...]
    """The lists, by number, that have words in it."""
    in_luts: bool
    """Built from look-up tables instead of a block RAM."""


def split_into_banks(lists: Sequence[Sequence[int]], width: int, lut_rom_bits: int = LUT_ROM_BITS) -> list[RomBank]:
    """Split lists of words, one behind the other in one address space, into banks.

    Every bank is full except the last. If the last one has at most ``lut_rom_bits`` bits, it is built from look-up tables. Such a bank has
    one read port, so two lists that share it get one each, with zeros in place of the other list's words.
    """
    words = [word for words in lists for word in words]
    ends = list(accumulate(map(len, lists)))
    starts = [0, *ends[:-1]]
    depth = bank_depth(width)
    banks = []
    for first in range(0, len(words), depth):
        content = words[first : first + depth]
        ports = tuple(port for port in range(len(lists)) if starts[port] < first + len(content) and ends[port] > first)
        if len(content) == depth or len(content) * width > lut_rom_bits:
            banks.append(RomBank(first, tuple(content), ports, in_luts=False))
            continue
        for port in ports:
            own_words = [word if starts[port] <= address < ends[port] else 0 for address, word in enumerate(content, first)]
            banks.append(RomBank(first, tuple(own_words), (port,), in_luts=True))
    return banks


class Rom(wiring.Component):
    """Sends one or two lists of words out of one memory, each list from first to last, over and over.

    The lists follow each other in banks of one block RAM each, so only the last bank is not full. A block RAM has two ports, one for
    each list. For each list, a counter of free FIFO entries (credits) decides whether an address is issued, and nothing else does::

        cycle   0         1         2         3         4         5
                address   near      memory    bank      bank mux  FIFO
                register  register  read      register  register  output

    No logic lies between the memory and the bank's register, so the block RAM's clock-to-output time has a cycle for itself.
    The first word comes `LATENCY` cycles after reset; throughput is one word a cycle for each list.

    Parameters
    ----------
    lists: one or two lists of words, each word 0 .. 2^width - 1
    width: bits of a word
    lut_rom_bits: bits up to which the last bank is built from look-up tables, 16 bits each

    Members
    -------
    output_0, output_1: ``Out(stream.Signature(width))``, one for each list

    Raises ValueError unless there are one or two lists, none is empty, and every word fits ``width`` bits.
    """

    LATENCY = READ_LATENCY + 1
    """Cycles from reset to the first word on an output."""

    def __init__(self, *, lists: Sequence[Sequence[int]], width: int, lut_rom_bits: int = LUT_ROM_BITS) -> None:
        if not 1 <= len(lists) <= 2 or not all(lists):
            raise ValueError("lists must be one or two, and not empty")
        self._words = [word for words in lists for word in words]
        if not 0 <= min(self._words) <= max(self._words) < 1 << width:
            raise ValueError(f"words must fit {width} bits")
        self._ends = list(accumulate(map(len, lists)))
        self._banks = split_into_banks(lists, width, lut_rom_bits)
        self._width = width
        super().__init__({f"output_{number}": Out(stream.Signature(unsigned(width))) for number in range(len(lists))})

    @property
    def outputs(self) -> list[stream.Interface]:
        """The outputs in the order of the lists."""
        return [getattr(self, f"output_{number}") for number in range(len(self._ends))]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        starts = [0, *self._ends[:-1]]
        addresses = [Signal(range(len(self._words)), init=start, name=f"address_{n}") for n, start in enumerate(starts)]
        data: list[list[Value]] = [[] for _ in addresses]
        near = [self._register(m, address, f"near_{n}") for n, address in enumerate(addresses)]
        for number, bank in enumerate(self._banks):
            local = [near[port][: ceil_log2(max(2, len(bank.words)))] for port in bank.ports]
            for port, raw in zip(bank.ports, self._bank(m, platform, f"bank_{number}", bank, local), strict=True):
                data[port].append(self._register(m, raw, f"data_{number}_{port}"))
        for n, address in enumerate(addresses):
            self._read(m, n, address, starts[n], self._ends[n], data[n])
        return m

    def _read(self, m: Module, number: int, address: Signal, start: int, end: int, data: list[Value]) -> None:
        """Read the words of one list over and over while its FIFO has space for the words in flight."""
        output = self.outputs[number]
        fifo = Fifo(shape=unsigned(self._width), depth=FIFO_DEPTH)
        m.submodules[f"fifo_{number}"] = fifo
        credit = Signal(range(FIFO_DEPTH + 1), init=FIFO_DEPTH, name=f"credit_{number}")
        issue = Signal(name=f"issue_{number}")
        popped = Signal(name=f"popped_{number}")
        m.d.comb += issue.eq(credit != 0)
        m.d.sync += [popped.eq(output.valid & output.ready), credit.eq(credit + popped - issue)]
        with m.If(issue):
            m.d.sync += address.eq(address + 1)
            with m.If(address == end - 1):
                m.d.sync += address.eq(start)

        # The valid flag and the bank number travel beside the word.
        bank = address[ceil_log2(bank_depth(self._width)) :] - start // bank_depth(self._width)
        valid: Value = issue
        for stage in range(1, READ_LATENCY + 1):
            later = Signal(name=f"valid_{number}_{stage}")
            m.d.sync += later.eq(valid)
            valid = later
            if stage < READ_LATENCY:
                chosen = Signal(range(max(2, len(data))), name=f"bank_{number}_{stage}", reset_less=True)
                m.d.sync += chosen.eq(bank)
                bank = chosen
        word = self._register(m, Array(data)[bank] if len(data) > 1 else data[0], f"word_{number}")
        m.d.comb += [fifo.input.valid.eq(valid), fifo.input.payload.eq(word)]
        wiring.connect(m, fifo.output, wiring.flipped(output))

    def _bank(self, m: Module, platform: object, name: str, bank: RomBank, addresses: list[Value]) -> Iterator[Value]:
        """One bank, read at each of the addresses: a Verilog module of its own, if the platform says how it gets its words."""
        words, style = bank.words, "logic" if bank.in_luts else "block"
        if isinstance(platform, RomContents):
            data = [Signal(self._width, name=f"{name}_{port}") for port in range(len(addresses))]
            ports = {f"i_address_{port}": address if len(address) else Const(0, 1) for port, address in enumerate(addresses)}
            m.submodules[name] = Instance(
                platform.module,
                p_WIDTH=self._width,
                p_DEPTH=len(words),
                p_ADDRESS=max(1, ceil_log2(len(words))),
                p_STYLE=style,
                i_clk=ClockSignal(),
                **{"i_address_1": Const(0, max(1, ceil_log2(len(words))))} | ports,
                **{f"o_data_{port}": value for port, value in enumerate(data)},
                **{f"p_{name}": value for name, value in platform.parameters(words, self._width).items()},
            )
            yield from data
            return
        if bank.in_luts:
            yield self._logic(m, name, words, addresses[0])
            return
        rom: memory.Memory = memory.Memory(shape=self._width, depth=len(words), init=words, attrs={"rom_style": style})
        m.submodules[name] = rom
        for address in addresses:
            port = rom.read_port()
            m.d.comb += [port.addr.eq(address), port.en.eq(1)]
            yield Value.cast(port.data)

    def _logic(self, m: Module, name: str, words: Sequence[int], address: Value) -> Value:
        """A bank in look-up tables: trees of `TREE_WORDS` words with a register behind each, of which the address selects one."""
        if len(words) == 1:  # synthesis would fold a constant into the decoder, and it could not be read back
            words = [*words, words[0] ^ (1 << self._width) - 1]
        trees = []
        for number, first in enumerate(range(0, len(words), TREE_WORDS)):
            content = words[first : first + TREE_WORDS]
            tree: memory.Memory = memory.Memory(shape=self._width, depth=len(content), init=content, attrs={"rom_style": "logic"})
            m.submodules[f"{name}_{number}"] = tree
            port = tree.read_port(domain="comb")
            m.d.comb += port.addr.eq(address)
            trees.append(self._register(m, port.data, f"{name}_tree_{number}"))
        return Array(trees)[self._register(m, address[ceil_log2(TREE_WORDS) :], f"{name}_select")]

    @staticmethod
    def _register(m: Module, value: Value, name: str) -> Signal:
        """The value one cycle later."""
        register = Signal(Value.cast(value).shape(), name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register


def bank_depth(width: int) -> int:
    """Words of ``width`` bits that one block RAM holds, rounded down to a power of two so that address bits select the bank."""
    return 1 << (BLOCK_RAM_BITS // width).bit_length() - 1
