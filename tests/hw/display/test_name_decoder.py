# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Names out of their ROM, in Amaranth's simulator, whether it is in look-up tables or in block RAM."""

from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.sim import Simulator

from firebrick.hw.display.name_decoder import NameDecoder
from firebrick.sw.display.name_code import END, NameCode
from tests.helpers.displays import many_names, settings


@pytest.mark.parametrize("block", [False, True], ids=["look-up tables", "block RAM"])
@pytest.mark.parametrize("count", [1, 70])
def test_names_are_those_of_the_settings(count: int, block: bool) -> None:
    """Long ones, short ones, ones that are not shown; one after the other in any order; a ROM of one word and one of several trees."""
    code = NameCode(settings(names=many_names()[:count], led_class=0, names_in_block_ram=block))
    dut = NameDecoder(code=code)
    order = np.random.default_rng(count).permutation(count)[:6].tolist()
    read: list[str] = []

    async def process(ctx: Any) -> None:
        for index in order:
            ctx.set(dut.index, index)
            ctx.set(dut.start, 1)
            name, finished, started = "", False, False
            while not finished:
                _, _, valid, symbol, finished = await ctx.tick("pixel").sample(dut.symbol_valid, dut.symbol, dut.finished)
                if not started:
                    ctx.set(dut.start, 0)
                    started = True
                name += code.symbols[symbol] if valid else ""
            read.append(name)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6, domain="pixel")
    simulator.add_testbench(process)
    simulator.run()
    assert read == [code.names[index] + END for index in order]


def test_rom_is_where_the_settings_say() -> None:
    """Yosys puts it where its attribute says."""
    for block, style in ((False, "logic"), (True, "block")):
        text = rtlil.convert(NameDecoder(code=NameCode(settings(names=many_names()[:40], names_in_block_ram=block))), platform=None)
        assert f'attribute \\rom_style "{style}"' in text
        assert f'attribute \\rom_style "{"logic" if block else "block"}"' not in text
