# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Read-only memories with a stream interface."""

from collections.abc import Sequence

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import Out

from .platform import RomFiles

ROM_VERILOG = """\
// A synchronous read-only memory whose words stand in a file of hexadecimal numbers.
module firebrick_rom #(parameter WIDTH = 1, parameter DEPTH = 1, parameter ADDRESS = 1, parameter FILE = "") (
    input clk, input enable, input [ADDRESS-1:0] address, output reg [WIDTH-1:0] data
);
    reg [WIDTH-1:0] words [0:DEPTH-1];
    initial $readmemh(FILE, words);
    always @(posedge clk) if (enable) data <= words[address];
endmodule
"""


class RomStream(wiring.Component):
    """Sends the words of a ROM from first to last, in a circle, for ever.

    Latency 2 cycles after reset, throughput one word a cycle. The output of the memory is registered before anything looks at it.

    Parameters
    ----------
    words: what the memory holds, each 0 .. 2^width - 1
    width: bits in a word

    Members
    -------
    output: ``Out(stream.Signature(width))``
    """

    output: stream.Interface

    def __init__(self, *, words: Sequence[int], width: int) -> None:
        if not words:
            raise ValueError("words must not be empty")
        if not 0 <= min(words) <= max(words) < 1 << width:
            raise ValueError(f"words must fit {width} bits")
        self._words = list(words)
        self._width = width
        super().__init__({"output": Out(stream.Signature(unsigned(width)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = len(self._words)
        address = Signal(range(depth))
        data = Signal(self._width)
        enable = Signal()
        self._memory(m, platform, address, data, enable)

        read = Signal()
        with m.If(~self.output.valid | self.output.ready):
            m.d.sync += [self.output.valid.eq(read), self.output.payload.eq(data)]
        m.d.comb += enable.eq(~read | ~self.output.valid | self.output.ready)
        with m.If(enable):
            m.d.sync += [read.eq(1), address.eq(address + 1)]
            with m.If(address == depth - 1):
                m.d.sync += address.eq(0)
        return m

    def _memory(self, m: Module, platform: object, address: Signal, data: Signal, enable: Signal) -> None:
        """The memory itself: a file beside the Verilog where the platform collects such files, otherwise Amaranth's own."""
        if isinstance(platform, RomFiles):
            file = platform.add_rom(self._words, self._width)
            m.submodules.rom = Instance(
                "firebrick_rom",
                p_WIDTH=self._width,
                p_DEPTH=len(self._words),
                p_ADDRESS=max(1, len(address)),
                p_FILE=file,
                i_clk=ClockSignal(),
                i_enable=enable,
                i_address=address if len(address) else Const(0, 1),
                o_data=data,
            )
            return
        rom: memory.Memory = memory.Memory(shape=self._width, depth=len(self._words), init=self._words)
        m.submodules.rom = rom
        port = rom.read_port()
        m.d.comb += [port.addr.eq(address), port.en.eq(enable), data.eq(port.data)]

