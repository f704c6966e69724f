# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The TMDS encoder and serialiser in Amaranth's simulator, compared with DVI's own flow chart and a decoder."""

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from firebrick.hw.display.tmds import CLOCK_SYMBOL, CONTROL_SYMBOLS, TmdsEncoder, TmdsSerializer
from firebrick.sim.display.dvi import CONTROL, DISPARITY_MAX, decode, encode, encoder_tables


def test_reference_encoder_is_decoded_stays_balanced_and_has_few_transitions() -> None:
    """The reference is checked by what DVI promises: the colour comes back, the disparity is bounded, at most five transitions."""
    symbols, after = encoder_tables()
    for disparity, colour in np.argwhere(symbols >= 0):
        symbol = int(symbols[disparity, colour])
        assert decode(symbol) == colour
        assert abs(after[disparity, colour]) <= DISPARITY_MAX
        assert after[disparity, colour] == disparity - DISPARITY_MAX + 2 * symbol.bit_count() - 10
        assert ((symbol ^ symbol >> 1) & 0xFF).bit_count() <= 5
        assert symbol not in CONTROL
    assert [CONTROL[symbol] for symbol in CONTROL_SYMBOLS] == [0, 1, 2, 3]


def shortest_paths() -> dict[int, list[int]]:
    """For each disparity that can be reached, colours that lead to it from 0."""
    paths: dict[int, list[int]] = {0: []}
    queue = [0]
    for disparity in queue:
        for colour in range(256):
            _, after = encode(colour, disparity)
            if after not in paths:
                paths[after] = [*paths[disparity], colour]
                queue.append(after)
    return paths


def test_encoder_sends_every_colour_at_every_disparity_as_dvi_does() -> None:
    dut = TmdsEncoder()
    control_symbols = {bits: symbol for symbol, bits in CONTROL.items()}
    steps: list[int | None] = []  # colours; None is blanking, which makes the disparity 0
    for path in shortest_paths().values():
        for colour in range(256):
            steps += [None, *path, colour]
    sent: list[int] = []
    expected: list[int] = []

    async def process(ctx: Any) -> None:
        disparity = 0
        for number, colour in enumerate(steps):
            control = number % 4
            ctx.set(dut.active, colour is not None)
            ctx.set(dut.colour, colour or 0)
            ctx.set(dut.control, control)
            await ctx.tick("pixel")
            sent.append(ctx.get(dut.symbol))
            symbol, disparity = (control_symbols[control], 0) if colour is None else encode(colour, disparity)
            expected.append(symbol)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6, domain="pixel")
    simulator.add_testbench(process)
    simulator.run()
    assert len(shortest_paths()) == 9
    assert sent == expected


@pytest.mark.parametrize("skew", [0.0, 0.9, 1.9, 2.4, 3.1, 4.8])
def test_serialiser_sends_each_symbol_once_in_order_whatever_the_phase(skew: float) -> None:
    """The pixel clock is behind the serial clock by a part of a pixel."""
    dut = TmdsSerializer()
    rng = np.random.default_rng(3)
    symbols = rng.integers(0, 1024, (80, 3)).tolist()
    pairs: list[list[int]] = []

    async def pixels(ctx: Any) -> None:
        for values in symbols:
            for channel, value in enumerate(values):
                ctx.set(dut.symbols[channel], value)
            await ctx.tick("pixel")

    async def bits(ctx: Any) -> None:
        async for _, _, sampled in ctx.tick("tmds").sample(dut.pairs):
            pairs.append([sampled[channel] for channel in range(4)])

    simulator = Simulator(dut)
    simulator.add_clock(8e-9, domain="tmds", phase=0)
    simulator.add_clock(40e-9, domain="pixel", phase=skew * 8e-9)
    simulator.add_testbench(pixels)
    simulator.add_testbench(bits, background=True)
    simulator.run()
    stream = np.array(pairs[40:])  # the first pixels, until the phase is right, are lost
    aligned = [
        [
            [sum(int(pair) << 2 * n for n, pair in enumerate(stream[at : at + 5, channel])) for channel in range(4)]
            for at in range(offset, len(stream) - 4, 5)
        ]
        for offset in range(5)
    ]
    found = [run for run in aligned if all(word[3] == CLOCK_SYMBOL for word in run)]
    assert len(found) == 1
    received = [word[:3] for word in found[0]]
    start = symbols.index(received[0])
    assert received[: len(symbols) - start] == symbols[start:][: len(received)]
    assert len(received) > 60
