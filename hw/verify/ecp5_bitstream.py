# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a finished ECP5 bitstream holds: block RAM contents and look-up tables, by their place on the chip; and contents put back."""

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
SECONDS = 600.0
"""After which unpacking or packing is given up."""
UNIT_BITS = 9
BLOCK_UNITS = 2048
"""A block RAM in the textual configuration: words of 9 bits; wider ones lie in several, the lowest bits first."""
LINE_WORDS = 8
UNNAMED_LUT = 0xFFFF
"""A look-up table of which the configuration says nothing."""
SPLIT = "3"
"""The block RAM whose number is in two tiles."""

_TILE = re.compile(r"\.tile [A-Z0-9_]*R(\d+)C(\d+):(\S+)")
_LUT = re.compile(r"word: SLICE([A-D])\.K([01])\.INIT ([01]{16})")
_NUMBER = re.compile(r"word: EBR(\d)\.WID ([01]{9})")
_CONTENTS = re.compile(r"\.bram_init (\d+)")


@dataclass(frozen=True)
class Configuration:
    """A bitstream as text, and what stands in it."""

    text: str = field(repr=False)
    device: str
    luts: Mapping[str, int] = field(repr=False)
    """16 bits of each look-up table, bit i the output for inputs i, A the lowest of D C B A; by place, ``X20/Y7/SLICEA.K0``."""
    block_ram_ids: Mapping[str, int] = field(repr=False)
    """The number of each block RAM's contents, by place, ``X6/Y25/EBR1``."""
    block_rams: Mapping[int, tuple[int, ...]] = field(repr=False)
    """Each block RAM's words of 9 bits, by number."""

    def lut(self, place: str) -> int:
        """The contents of a look-up table."""
        return self.luts.get(place, UNNAMED_LUT)

    def block_ram(self, place: str) -> tuple[int, ...]:
        """The words of a block RAM. Raises FirebrickError where there is none in use at the place."""
        return self.block_rams[self.block_ram_id(place)]

    def block_ram_id(self, place: str) -> int:
        """Which contents are those of a block RAM. Raises FirebrickError where there is none in use at the place."""
        number = self.block_ram_ids.get(place)
        if number is not None and number in self.block_rams:
            return number
        raise FirebrickError(f"the bitstream has no block RAM in use at {place}: it is not of this build")

    def with_block_rams(self, changed: Mapping[int, Sequence[int]]) -> str:
        """The text with other words in some block RAMs."""
        pieces = re.split(r"(?m)^(?=\.)", self.text)
        for place, piece in enumerate(pieces):
            head = _CONTENTS.match(piece)
            if head and int(head[1]) in changed:
                words = [f"{word:03x}" for word in changed[int(head[1])]]
                lines = [" ".join(words[start : start + LINE_WORDS]) for start in range(0, len(words), LINE_WORDS)]
                pieces[place] = "\n".join([head[0], *lines, "", ""])
        return "".join(pieces)


def parse_configuration(text: str) -> Configuration:
    """A textual configuration as Project Trellis writes it. Raises FirebrickError where it is none."""
    device, tile = "", ("", "", "")
    luts: dict[str, int] = {}
    numbers: dict[str, int] = {}
    contents: dict[int, list[int]] = {}
    words: list[int] | None = None
    try:
        for line in text.splitlines():
            if line.startswith("."):
                words = None
                if found := _TILE.fullmatch(line):
                    tile = (found[2], found[1], found[3])
                elif found := _CONTENTS.fullmatch(line):
                    words = contents[int(found[1])] = []
                elif line.startswith(".device "):
                    device = line.split()[1]
            elif words is not None:
                words += [int(word, 16) for word in line.split()]
            elif found := _LUT.fullmatch(line):
                luts[f"X{tile[0]}/Y{tile[1]}/SLICE{found[1]}.K{found[2]}"] = int(found[3], 2)
            elif found := _NUMBER.fullmatch(line):
                place, bits = _number(int(tile[0]), tile[1], tile[2], found[1])
                numbers[place] = numbers.get(place, 0) | int(found[2][::-1], 2) & bits
    except (IndexError, ValueError) as error:
        raise FirebrickError("the configuration is damaged; unpack the bitstream again") from error
    if not device or any(len(held) != BLOCK_UNITS or not 0 <= min(held) <= max(held) < 1 << UNIT_BITS for held in contents.values()):
        raise FirebrickError("the configuration is damaged; unpack the bitstream again")
    return Configuration(text, device, luts, numbers, {number: tuple(held) for number, held in contents.items()})


def _number(column: int, row: str, kind: str, which: str) -> tuple[str, int]:
    """Whose number a tile holds, and which bits of it: a block RAM has two to three tiles, and that of the last of four is in two."""
    if which != SPLIT:
        return f"X{column - 1}/Y{row}/EBR{which}", 0x1FF
    low = kind == "MIB_EBR7"
    return f"X{column - (1 if low else 2)}/Y{row}/EBR{which}", 0x00F if low else 0x1F0


def unpack(bitstream: bytes, name: str, progress: Progress) -> Configuration:
    """What a bitstream holds; ``name`` is what messages call it. Raises FirebrickError where it is none for an ECP5, or a damaged one."""
    with tempfile.TemporaryDirectory(prefix="firebrick-") as folder:
        (Path(folder) / "in.bit").write_bytes(bitstream)
        command = [*tool_command("ecpunpack"), "--input", "in.bit", "--textcfg", "out.config"]
        code, printed = run_captured(command, Path(folder), f"reading {name}", progress, SECONDS)
        if code or not (Path(folder) / "out.config").exists():
            said = re.search(r"Parse Error: (.*)", printed)
            why = f" ({said[1][:200].strip()})" if said else ""
            raise FirebrickError(f"{name} is no whole ECP5 bitstream{why}; name one that `firebrick bitstream` wrote")
        return parse_configuration((Path(folder) / "out.config").read_text())


def pack(text: str, name: str, progress: Progress) -> bytes:
    """The compressed bitstream of a textual configuration. Raises FirebrickError where the tool refuses it."""
    with tempfile.TemporaryDirectory(prefix="firebrick-") as folder:
        (Path(folder) / "in.config").write_text(text)
        command = [*tool_command("ecppack"), "--compress", "--input", "in.config", "--bit", "out.bit"]
        code, printed = run_captured(command, Path(folder), f"packing {name}", progress, SECONDS)
        if code or not (Path(folder) / "out.bit").exists():
            last = (printed.strip().splitlines() or ["it printed nothing"])[-1]
            raise FirebrickError(f"packing {name} failed ({last[:200]})")
        return (Path(folder) / "out.bit").read_bytes()


def read_bitstream(path: Path) -> bytes:
    """The bytes of a bitstream's file. Raises FirebrickError where it cannot be one."""
    data = read_limited(path, BYTES_MAX + 1, "a bitstream that `firebrick bitstream` wrote")
    if len(data) > BYTES_MAX or not data.startswith((b"\xff\x00", b"LSCC")):
        raise FirebrickError(f"{path} is no ECP5 bitstream; name one that `firebrick bitstream` wrote")
    return data
