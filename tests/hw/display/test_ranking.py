# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Powers, the five best classes and the sum of all powers, in Amaranth's simulator, compared with the specification."""

import itertools
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from firebrick.hw.display.later import later
from firebrick.hw.display.score_power import ScorePower, exponent_shape, ranked_layout, signed_digits
from firebrick.hw.display.share_divider import ShareDivider
from firebrick.hw.display.top_five import PowerSum, TopFive
from firebrick.hw.engines.global_sum import score_layout
from firebrick.sw.display.probabilities import SHOWN_CLASSES, IntegerSoftmax
from firebrick.sw.plan.nodes import GlobalSumSpec
from tests.helpers.displays import global_sum, random_scores
from tests.helpers.parameters import slow_unless


class Ranking(wiring.Component):
    """The components as `Display` connects them."""

    score: Any
    valid: Signal
    good: Signal
    finished: Signal

    def __init__(self, *, softmax: IntegerSoftmax, spec: GlobalSumSpec) -> None:
        ranked = ranked_layout(softmax, spec)
        self.power = ScorePower(softmax=softmax, global_sum=spec)
        self.power_sum = PowerSum(ranked=ranked, classes=spec.channels)
        self.top_five = TopFive(ranked=ranked, classes=spec.channels)
        super().__init__({"score": In(score_layout(spec)), "valid": In(1), "good": In(1), "finished": Out(1)})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.power = power = self.power
        m.submodules.power_sum = power_sum = self.power_sum
        m.submodules.top_five = top_five = self.top_five
        behind = PowerSum.LATENCY - TopFive.LATENCY
        m.d.comb += [
            power.score.eq(self.score),
            power.valid.eq(self.valid),
            power.good.eq(self.good),
            power_sum.input.eq(power.output),
            power_sum.valid.eq(power.output_valid),
            top_five.input.eq(later(m, power.output, behind)),
            top_five.valid.eq(later(m, power.output_valid, behind)),
            self.finished.eq(power_sum.finished),
        ]
        return m


@pytest.mark.parametrize("seed", slow_unless(range(3), range(16)))
def test_five_best_classes_and_the_sum_are_those_of_the_specification(seed: int) -> None:
    """Frames back to back or with gaps; ties, negative scores, fewer classes than five, wide scores, extreme scales."""
    rng = np.random.default_rng(seed)
    classes = int(rng.choice([1, 2, 4, 5, 6, 20, 40]))
    spec = global_sum(classes, int(rng.choice([1, 3, 13, 200])), int(rng.choice([0, 100])))
    softmax = IntegerSoftmax(float(2.0 ** rng.uniform(-14, 1)))
    dut = Ranking(softmax=softmax, spec=spec)
    frames = [random_scores(rng, spec) for _ in range(8)]
    stall = float(rng.choice([0, 0.5]))
    results: list[tuple[Any, ...]] = []

    async def feed(ctx: Any) -> None:
        for number, frame in enumerate(frames):
            for place, score in enumerate(frame.tolist()):
                while rng.random() < stall:
                    ctx.set(dut.valid, 0)
                    await ctx.tick()
                ctx.set(dut.valid, 1)
                ctx.set(dut.good, number % 3 != 0)
                ctx.set(dut.score.score, score)
                ctx.set(dut.score.last, place == classes - 1)
                await ctx.tick()
        ctx.set(dut.valid, 0)
        await ctx.tick().repeat(20)

    async def watch(ctx: Any) -> None:
        top, total = dut.top_five, dut.power_sum
        async for _, _, finished, places, largest, whole, good in ctx.tick().sample(
            dut.finished, top.places, total.largest, total.total, total.good
        ):
            if finished:
                best = [(int(place.index), int(place.exponent), int(place.mantissa)) for place in (places[n] for n in range(SHOWN_CLASSES))]
                results.append((best[:classes], largest, whole, good))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    expected = [
        (
            [(share.index, *softmax.power(int(frame[share.index]))) for share in softmax.shares(frame)],
            *softmax.total(frame),
            int(number % 3 != 0),
        )
        for number, frame in enumerate(frames)
    ]
    assert results == expected


@pytest.mark.parametrize("seed", range(1))
def test_divider_gives_the_shares_of_the_specification(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spec = global_sum(30)
    softmax = IntegerSoftmax(float(2.0 ** rng.uniform(-10, -4)))
    frames = [random_scores(rng, spec) for _ in range(2)]
    shape = exponent_shape(softmax, spec)
    dut = ShareDivider(exponent=shape, total_bits=21)
    tenths: list[list[int]] = []

    async def process(ctx: Any) -> None:
        for frame in frames:
            largest, total = softmax.total(frame)
            tenths.append([])
            for share in softmax.shares(frame):
                exponent, mantissa = softmax.power(int(frame[share.index]))
                for signal, value in ((dut.exponent, exponent), (dut.mantissa, mantissa), (dut.largest, largest), (dut.total, total)):
                    ctx.set(signal, value)
                ctx.set(dut.start, 1)
                await ctx.tick("pixel")
                ctx.set(dut.start, 0)
                await ctx.tick("pixel").until(dut.finished)
                tenths[-1].append(ctx.get(dut.tenths))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6, domain="pixel")
    simulator.add_testbench(process)
    simulator.run()
    assert tenths == [[share.tenths for share in softmax.shares(frame)] for frame in frames]


def test_signed_digits_add_up_and_no_two_are_neighbours() -> None:
    for number in range(1, 1500):
        digits = signed_digits(number)
        assert sum(sign << place for place, sign in digits) == number
        places = [place for place, _ in digits]
        assert all(second - first > 1 for first, second in itertools.pairwise(places))


@pytest.mark.parametrize("scale", [0.00576, 0.0071, 0.0123])
def test_powers_take_no_multiplier(scale: float) -> None:
    """For `-1 * x`, too, synthesis takes multipliers, which the planner has given to the engines."""
    power = ScorePower(softmax=IntegerSoftmax(scale), global_sum=global_sum())
    assert "cell $mul " not in rtlil.convert(power, platform=None)
