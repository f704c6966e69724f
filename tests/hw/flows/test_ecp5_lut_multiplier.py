# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""LUT multipliers of the ECP5, for every pixel and weight.

The oracle is multiplication of integers. The multiplier is evaluated as Yosys leaves it: as a graph of AND gates (AIGER), made from Yosys'
own models of the ECP5's cells. A fault planted in a cell must show.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from amaranth.back.rtlil import convert
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from firebrick.hw.eda.process import run_captured
from firebrick.hw.eda.tool_paths import tool_command
from firebrick.hw.engines.lut_multiplier import LutMultiplier
from firebrick.hw.flows.ecp5_lut_multiplier import MAP_LUT_MULTIPLIERS
from firebrick.hw.module_names import LUT_MULTIPLIER_PREFIX
from firebrick.sw.utils.progress import no_progress

pytestmark = pytest.mark.skipif(find_spec("pyosys") is None, reason="needs pyosys, of the extra `bitstream`")
SCRIPT = """\
read_rtlil top.il
hierarchy -top top
{products}
select -assert-none t:$mul
select -assert-count 41 t:CCU2C
read_verilog -overwrite +/ecp5/cells_sim.v
hierarchy -top top
prep -flatten -top top
techmap
aigmap
write_aiger -ascii top.aag
"""


class Top(wiring.Component):
    """A single LUT multiplier between ports."""

    pixel: Signal
    weight: Signal
    product: Signal

    def __init__(self, bits: int) -> None:
        super().__init__({"pixel": In(8), "weight": In(signed(bits)), "product": Out(signed(bits + 8))})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules[f"{LUT_MULTIPLIER_PREFIX}0"] = multiplier = LutMultiplier(bits=len(self.weight))
        m.d.comb += [multiplier.pixel.eq(self.pixel), multiplier.weight.eq(self.weight), self.product.eq(multiplier.product)]
        return m


def products_of(folder: Path, bits: int, products: str) -> NDArray[np.int64]:
    """The products of each weight and pixel by the cells, shape (2^bits, 256); weights from 0 up, then from the most negative up."""
    top = Top(bits)
    (folder / "top.il").write_text(convert(top, name="top", emit_src=False))
    (folder / "run.ys").write_text(SCRIPT.format(products=products))
    code, printed = run_captured([*tool_command("yosys"), "run.ys"], folder, "mapping", no_progress, 300.0)
    assert code == 0, printed[-2000:]
    header, *lines = (folder / "top.aag").read_text().splitlines()
    _, inputs, latches, outputs, ands = map(int, header.split()[1:])
    assert (inputs, latches, outputs) == (8 + bits, 0, 8 + bits)
    cases = np.arange(1 << inputs)
    values = {0: np.zeros(len(cases), np.bool_)} | {int(lines[bit]): (cases >> bit & 1).astype(np.bool_) for bit in range(inputs)}

    def value(literal: int) -> NDArray[np.bool_]:
        return values[literal & ~1] ^ bool(literal & 1)

    for line in lines[inputs + outputs : inputs + outputs + ands]:
        result, left, right = map(int, line.split())
        values[result] = value(left) & value(right)
    total = sum(value(int(lines[inputs + bit])).astype(np.int64) << bit for bit in range(outputs))
    signed_total: NDArray[np.int64] = np.where(value(int(lines[inputs + outputs - 1])), total - (1 << outputs), total)
    return signed_total.reshape(1 << bits, 256)


@pytest.mark.parametrize("bits", [2, 8, 9])
def test_lut_multiplier_multiplies_every_pixel_and_weight(bits: int, tmp_path: Path) -> None:
    weights = np.concatenate([np.arange(1 << bits - 1), np.arange(-1 << bits - 1, 0)])
    assert np.array_equal(products_of(tmp_path, bits, MAP_LUT_MULTIPLIERS), weights[:, None] * np.arange(256))


def test_lut_multiplier_with_a_faulty_cell_is_wrong(tmp_path: Path) -> None:
    weights = np.concatenate([np.arange(256), np.arange(-256, 0)])
    faulty = products_of(tmp_path, 9, MAP_LUT_MULTIPLIERS.replace("16'h8777", "16'h8776"))
    assert not np.array_equal(faulty, weights[:, None] * np.arange(256))
