# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How the ROMs in generated Verilog get their words. Verilog generation passes one of these to ``elaborate`` as the platform."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from amaranth.hdl import Const, unsigned

from ..module_names import TOP

_VERILOG = """\
// A synchronous read-only memory with two ports, whose words {where}.
module {module} #(parameter WIDTH = 1, parameter DEPTH = 1, parameter ADDRESS = 1,
    {parameter}, parameter STYLE = "auto") (
    input clk, input [ADDRESS-1:0] address_0, address_1, output reg [WIDTH-1:0] data_0, data_1
);
    (* rom_style = STYLE *) reg [WIDTH-1:0] words [0:DEPTH-1];
    {initial}
    always @(posedge clk) begin
        data_0 <= words[address_0];
        data_1 <= words[address_1];
    end
endmodule
"""


class RomContents(ABC):
    """The words of the instances of a Verilog module that is a ROM.

    Parameters
    ----------
    module: the name of that module
    """

    _parameter: str
    """The module's parameter with the words, or where they are."""
    _initial: str
    """The statement that fills the memory."""
    _where: str
    """Where the words are, for the module's comment."""

    def __init__(self, module: str = f"{TOP}_rom") -> None:
        self.module = module

    @property
    def verilog(self) -> str:
        """The definition of the module."""
        return _VERILOG.format(module=self.module, where=self._where, parameter=self._parameter, initial=self._initial)

    @abstractmethod
    def parameters(self, words: Sequence[int], width: int) -> Mapping[str, str | Const]:
        """The parameters of an instance that give it its words, of ``width`` bits each."""


class RomFiles(RomContents):
    """ROM contents as files of hexadecimal words in the current folder, which keeps the Verilog small and fast to parse."""

    _where = "stand in a file of hexadecimal numbers"
    _parameter = 'parameter FILE = ""'
    _initial = "initial $readmemh(FILE, words);"

    def __init__(self, module: str = f"{TOP}_rom") -> None:
        super().__init__(module)
        self.files: dict[str, str] = {}

    def add_rom(self, words: Sequence[int], width: int) -> str:
        """Add the words of a ROM and return the name of its file."""
        name = f"rom{len(self.files)}.hex"
        digits = -(-width // 4)
        self.files[name] = "".join(f"{word:0{digits}x}\n" for word in words)
        return name

    def parameters(self, words: Sequence[int], width: int) -> Mapping[str, str | Const]:
        """See `RomContents`."""
        return {"FILE": self.add_rom(words, width)}


class RomParameters(RomContents):
    """ROM contents in the Verilog itself, so that no tool has a file to find."""

    _where = "stand in a parameter, the first one in its lowest bits"
    _parameter = "parameter [WIDTH*DEPTH-1:0] CONTENTS = 0"
    _initial = """integer index;
    initial for (index = 0; index < DEPTH; index = index + 1) words[index] = CONTENTS[index*WIDTH +: WIDTH];"""

    def parameters(self, words: Sequence[int], width: int) -> Mapping[str, str | Const]:
        """See `RomContents`."""
        bits = "".join(f"{word:0{width}b}" for word in reversed(words))
        return {"CONTENTS": Const(int(bits, 2), unsigned(len(bits)))}
