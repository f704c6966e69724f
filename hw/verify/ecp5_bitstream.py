# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Unpacking ECP5 bitstreams to look-up tables and block RAM contents by BEL, and packing them again with other contents.

Project Trellis's ecpunpack turns a bitstream into a textual configuration, of which these lines matter here::

    .tile R7C20:PLC2                              a logic tile in row 7, column 20
    word: SLICEA.K0.INIT 0000000011111110         the look-up table X20/Y7/SLICEA.K0, output for D C B A = 1111 first
    .tile MIB_R25C7:MIB_EBR3                      a tile of a block RAM
    word: EBR1.WID 001000000                      the block RAM X6/Y25/EBR1 has the contents with number 4, lowest bit first
    .bram_init 4                                  these contents: 2048 units of 9 bits
    001 002 003 ...
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...sw.errors import FirebrickError
from ...sw.utils.atomic_files import read_limited
from ...sw.utils.progress import Progress
from ..eda.process import run_captured
from ..eda.tool_paths import tool_command

BYTES_MAX = 16 << 20
"""No ECP5 bitstream is longer, compressed or not."""
TOOL_SECONDS = 600.0
"""Time limit for unpacking or packing, which take seconds."""
UNIT_BITS = 9
BLOCK_UNITS = 2048
"""The textual configuration has a block RAM as 2048 units of 9 bits. A wider data word takes several units, the lowest bits first."""
LINE_UNITS = 8
"""Units on a line of a ``.bram_init`` section."""
UNNAMED_LUT = 0xFFFF
"""A look-up table that the configuration does not name: Project Trellis leaves out what has its default, which is all ones here."""
SPLIT_ID = "3"
"""The block RAM of a row of four whose number is split between two tiles."""

_TILE = re.compile(r"\.tile [A-Z0-9_]*R(\d+)C(\d+):(\S+)")
_LUT = re.compile(r"word: SLICE([A-D])\.K([01])\.INIT ([01]{16})")
_BLOCK_RAM_ID = re.compile(r"word: EBR(\d)\.WID ([01]{9})")
_BLOCK_RAM = re.compile(r"\.bram_init (\d+)")


@dataclass(frozen=True)
class Configuration:
    """A textual configuration and what it says."""

    text: str = field(repr=False)
    device: str
    luts: Mapping[str, int] = field(repr=False)
    """16 bits of each look-up table by BEL, ``X20/Y7/SLICEA.K0``; bit i is the output for inputs i = D C B A, A the lowest."""
    block_ram_ids: Mapping[str, int] = field(repr=False)
    """The number of the contents of each block RAM, by BEL, ``X6/Y25/EBR1``."""
    block_rams: Mapping[int, tuple[int, ...]] = field(repr=False)
    """Block RAM contents in units of 9 bits, by number."""

    def lut(self, bel: str) -> int:
        """The contents of a look-up table."""
        return self.luts.get(bel, UNNAMED_LUT)

    def block_ram(self, bel: str) -> tuple[int, ...]:
        """The contents of a block RAM in units of 9 bits.

        Raises FirebrickError if the bitstream does not use the block RAM.
        """
        return self.block_rams[self.block_ram_id(bel)]

    def block_ram_id(self, bel: str) -> int:
        """The number of a block RAM's contents.

        Raises FirebrickError if the bitstream does not use the block RAM.
        """
        number = self.block_ram_ids.get(bel)
        if number is not None and number in self.block_rams:
            return number
        raise FirebrickError(f"the bitstream has no block RAM in use at {bel}: it is not of this build")

    def with_block_rams(self, changed: Mapping[int, Sequence[int]]) -> str:
        """The text with other contents in some block RAMs, given by number; everything else stays as it is, byte for byte."""
        sections = re.split(r"(?m)^(?=\.)", self.text)
        for index, section in enumerate(sections):
            head = _BLOCK_RAM.match(section)
            if head and int(head[1]) in changed:
                units = [f"{unit:03x}" for unit in changed[int(head[1])]]
                lines = [" ".join(units[start : start + LINE_UNITS]) for start in range(0, len(units), LINE_UNITS)]
                sections[index] = "\n".join([head[0], *lines, "", ""])
        return "".join(sections)


def parse_configuration(text: str) -> Configuration:
    """Parse a textual configuration.

    Raises FirebrickError if the text is no configuration or a damaged one.
    """
    device, (column, row, tile_type) = "", ("", "", "")
    luts: dict[str, int] = {}
    block_ram_ids: dict[str, int] = {}
    block_rams: dict[int, list[int]] = {}
    units: list[int] | None = None  # of the .bram_init section that is being read
    try:
        for line in text.splitlines():
            if line.startswith("."):
                units = None
                if match := _TILE.fullmatch(line):
                    row, column, tile_type = match.groups()
                elif match := _BLOCK_RAM.fullmatch(line):
                    units = block_rams[int(match[1])] = []
                elif line.startswith(".device "):
                    device = line.split()[1]
            elif units is not None:
                units += [int(unit, 16) for unit in line.split()]
            elif match := _LUT.fullmatch(line):
                luts[f"X{column}/Y{row}/SLICE{match[1]}.K{match[2]}"] = int(match[3], 2)
            elif match := _BLOCK_RAM_ID.fullmatch(line):
                bel, mask = _block_ram_of_tile(int(column), row, tile_type, match[1])
                block_ram_ids[bel] = block_ram_ids.get(bel, 0) | int(match[2][::-1], 2) & mask
    except (IndexError, ValueError) as error:
        raise FirebrickError("the configuration is damaged; unpack the bitstream again") from error
    complete = all(len(block) == BLOCK_UNITS and 0 <= min(block) <= max(block) < 1 << UNIT_BITS for block in block_rams.values())
    if not device or not complete:
        raise FirebrickError("the configuration is damaged; unpack the bitstream again")
    return Configuration(text, device, luts, block_ram_ids, {number: tuple(block) for number, block in block_rams.items()})


def _block_ram_of_tile(column: int, row: str, tile_type: str, index: str) -> tuple[str, int]:
    """The block RAM whose number a tile holds, and which bits of the number are valid there.

    A block RAM spans two or three tiles. The one in its second column has the number, except that the last of four block RAMs has the
    lower half of its number there and the upper half in the tile after it.
    """
    if index != SPLIT_ID:
        return f"X{column - 1}/Y{row}/EBR{index}", 0x1FF
    low = tile_type == "MIB_EBR7"
    return f"X{column - (1 if low else 2)}/Y{row}/EBR{index}", 0x00F if low else 0x1F0


def unpack(bitstream: bytes, name: str, progress: Progress) -> Configuration:
    """Unpack a bitstream with ecpunpack; ``name`` stands for it in messages.

    Raises FirebrickError if the data is no ECP5 bitstream, or a damaged one.
    """
    with tempfile.TemporaryDirectory(prefix="firebrick-") as folder:
        (Path(folder) / "in.bit").write_bytes(bitstream)
        command = [*tool_command("ecpunpack"), "--input", "in.bit", "--textcfg", "out.config"]
        code, printed = run_captured(command, Path(folder), f"reading {name}", progress, TOOL_SECONDS)
        if code or not (Path(folder) / "out.config").exists():
            cause = re.search(r"Parse Error: (.*)", printed)
            why = f" ({cause[1][:200].strip()})" if cause else ""
            raise FirebrickError(f"{name} is no whole ECP5 bitstream{why}; name one that `firebrick bitstream` wrote")
        return parse_configuration((Path(folder) / "out.config").read_text())


def pack(text: str, name: str, progress: Progress) -> bytes:
    """Pack a textual configuration to a compressed bitstream with ecppack; ``name`` stands for it in messages.

    Raises FirebrickError if ecppack rejects the configuration.
    """
    with tempfile.TemporaryDirectory(prefix="firebrick-") as folder:
        (Path(folder) / "in.config").write_text(text)
        command = [*tool_command("ecppack"), "--compress", "--input", "in.config", "--bit", "out.bit"]
        code, printed = run_captured(command, Path(folder), f"packing {name}", progress, TOOL_SECONDS)
        if code or not (Path(folder) / "out.bit").exists():
            last = (printed.strip().splitlines() or ["it printed nothing"])[-1]
            raise FirebrickError(f"packing {name} failed ({last[:200]})")
        return (Path(folder) / "out.bit").read_bytes()


def read_bitstream(path: Path) -> bytes:
    """Read the file of a bitstream.

    Raises FirebrickError if the file cannot be read, or does not begin like an ECP5 bitstream.
    """
    data = read_limited(path, BYTES_MAX + 1, "a bitstream that `firebrick bitstream` wrote")
    if len(data) > BYTES_MAX or not data.startswith((b"\xff\x00", b"LSCC")):
        raise FirebrickError(f"{path} is no ECP5 bitstream; name one that `firebrick bitstream` wrote")
    return data
