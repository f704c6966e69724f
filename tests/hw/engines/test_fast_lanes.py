# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Lanes at twice the clock: results as the golden model's, cycles as predicted, and a phase that needs no reset."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.sim import Simulator

from firebrick.hw.engines.fast_clock import ClockPhase
from firebrick.hw.engines.fast_mac_array import FastMacArray, FastMultiplier
from firebrick.hw.engines.line_buffer import LineBuffer
from firebrick.sim.payloads import node_traffic
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Model
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import Arithmetic, EngineSpec
from tests.helpers.nodes import build_component
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import random_frames, random_model
from tests.helpers.streams import add_clocks, simulate

FRAMES = 3


def check(model: Model, engine: str, config: EngineConfig, *, rng: np.random.Generator, stall: float = 0.0) -> None:
    """A fast engine's beats equal the golden model's; without stalls it takes the cycles of the plan."""
    plan = plan_with(model, {engine: config, "conv10": EngineConfig(1)})
    (case,) = (
        case
        for case in node_traffic(model, plan, random_frames(rng, model, FRAMES))
        if isinstance(case.node, EngineSpec) and case.node.name == engine
    )
    assert isinstance(case.node, EngineSpec)
    assert case.node.fast
    taken, cycles = simulate(build_component(case.node), {"input": case.inputs}, {"output": len(case.outputs)}, rng=rng, stall=stall)
    assert taken["output"] == case.outputs
    beats = len(case.outputs) // FRAMES
    intervals = np.diff(cycles["output"][beats - 1 :: beats]).tolist()
    if not stall:
        assert max(intervals) <= case.node.cycles * 1.01 + 2
        assert min(intervals) >= case.node.busy_cycles


def random_convolution(rng: np.random.Generator, *, widths: tuple[int, int], min_filters: int) -> Model:
    """A model of a random convolution, of an input of ``widths`` columns, the second excluded."""
    kernel, stride = int(rng.choice([1, 3])), int(rng.choice([1, 2]))
    padding = int(rng.integers(0, 1 + kernel // 2))
    return random_model(
        rng,
        height=int(rng.integers(4, 7)),
        width=int(rng.integers(*widths)),
        kernel=kernel,
        stride=stride,
        padding=padding,
        channels=int(rng.integers(1, 4)),
        filters=int(rng.integers(min_filters, 6)),
        classes=2,
        fires=0,
        pools=False,
        density=float(rng.choice([0.2, 0.7, 1.0])),
    )


@pytest.mark.parametrize("seed", slow_unless((0, 3, 5, 8, 10, 13, 21), range(24)))
def test_fast_convolution_computes_random_layers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_convolution(rng, widths=(6, 17), min_filters=2)
    columns = model.network.shapes()[1].width
    lanes = int(rng.integers(1, columns // 2 + 1))
    check(model, "conv1", EngineConfig(lanes, int(rng.integers(1, 3)), fast=True), rng=rng, stall=float(rng.choice([0.0, 0.0, 0.3, 0.6])))


@pytest.mark.parametrize("seed", slow_unless(range(6), range(24)))
def test_fast_convolution_with_wide_words_computes_random_layers(seed: int) -> None:
    """Both tiles in one word of the line buffer, which two partitions share, or which lies in distributed RAM."""
    rng = np.random.default_rng([seed, 2])
    model = random_convolution(rng, widths=(5, 15), min_filters=3)
    lanes = -(-model.network.shapes()[1].width // 2)
    buffer = {"paired": True} if seed % 3 else {"distributed": True}
    config = EngineConfig(lanes, int(rng.integers(1, 4)), fast=True, **buffer)
    check(model, "conv1", config, rng=rng, stall=float(rng.choice([0.0, 0.0, 0.3, 0.6])))


def test_wide_words_hold_two_tiles() -> None:
    model = random_model(
        np.random.default_rng(0), height=4, width=12, kernel=1, stride=1, channels=1, filters=2, classes=2, fires=0, pools=False
    )
    with pytest.raises(FirebrickError, match=r"engine conv1: fast lanes .* need 2 tiles, not 4"):
        plan_with(model, {"conv1": EngineConfig(3, fast=True, distributed=True), "conv10": EngineConfig(1)})
    layout = LaneLayout.natural(lanes=3, tiles=4, width=12)
    with pytest.raises(ValueError, match="tiles_in_word"):
        FastMacArray(output=layout, source_lanes=6, rotations=[0], centroid_bits=8, arithmetic=Arithmetic((0,), 20, 4), tiles_in_word=2)


@pytest.mark.parametrize("lanes", [1, 2, 3, 6])
def test_fast_lanes_take_filters_of_a_single_weight(lanes: int) -> None:
    """The sums come at the rate of the FIFO behind the lanes: with two, four and more tiles, and with an odd number of them."""
    rng = np.random.default_rng(lanes)
    model = random_model(
        rng, height=4, width=12 if lanes > 1 else 9, kernel=1, stride=1, channels=1, filters=5, classes=2, fires=0, pools=False
    )
    for stall in (0.0, 0.5):
        check(model, "conv1", EngineConfig(lanes, fast=True), rng=rng, stall=stall)


class ResetOnce(wiring.Component):
    """An engine that is reset for two cycles, some cycles after it has taken ``beats``; what it sends before is lost."""

    input: Any
    output: Any

    def __init__(self, *, engine: Any, beats: int, wait: int) -> None:
        self._engine, self._beats, self._wait = engine, beats, wait
        super().__init__({name: engine.signature.members[name] for name in ("input", "output")})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        beats, cycles = Signal(range(self._beats + 1)), Signal(range(self._wait + 3))
        held, done, reset = Signal(), Signal(), Signal()
        m.d.comb += [held.eq((beats == self._beats) & ~done), done.eq(cycles == self._wait + 2), reset.eq(held & (cycles >= self._wait))]
        with m.If(self.input.valid & self.input.ready & ~done):
            m.d.sync += beats.eq(beats + 1)
        with m.If(held):
            m.d.sync += cycles.eq(cycles + 1)
        m.submodules.engine = ResetInserter({"sync": reset, "fast": reset})(self._engine)
        engine = self._engine
        m.d.comb += [
            engine.input.payload.eq(self.input.payload),
            engine.input.valid.eq(self.input.valid & ~held),
            self.input.ready.eq(engine.input.ready & ~held),
            self.output.payload.eq(engine.output.payload),
            self.output.valid.eq(engine.output.valid & done),
            engine.output.ready.eq(self.output.ready | ~done),
        ]
        return m


@pytest.mark.parametrize("wait", [11, 16, 21, 26])
@pytest.mark.parametrize("lanes", [2, 4])
def test_reset_in_the_middle_of_a_sum_begins_anew(lanes: int, wait: int) -> None:
    rng = np.random.default_rng(wait)
    model = random_model(rng, height=4, width=8, kernel=3, stride=1, padding=1, channels=2, filters=3, classes=2, fires=0, pools=False)
    plan = plan_with(model, {"conv1": EngineConfig(lanes, fast=True), "conv10": EngineConfig(1)})
    case = next(case for case in node_traffic(model, plan, random_frames(rng, model, 1)) if getattr(case.node, "name", "") == "conv1")
    before = 3 * len(case.inputs) // 4
    component = ResetOnce(engine=build_component(case.node), beats=before, wait=wait)
    taken, _ = simulate(component, {"input": [*case.inputs[:before], *case.inputs]}, {"output": len(case.outputs)}, rng=rng)
    assert taken["output"] == case.outputs


@pytest.mark.parametrize("fault", ["phase", "weight"])
def test_these_tests_find_planted_mistakes(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The halves of a cycle swapped, and a weight that comes to the product a fast cycle before its pixel."""
    if fault == "phase":

        def swapped(phase: ClockPhase, _platform: object) -> Module:
            m = Module()
            beat, seen = Signal(), Signal()
            m.d.sync += beat.eq(~beat)
            m.d.fast += [seen.eq(beat), phase.late.eq(~(beat ^ seen))]
            return m

        monkeypatch.setattr(ClockPhase, "elaborate", swapped)
    else:

        def early(multiplier: FastMultiplier, _platform: object) -> Module:
            m = Module()
            pixel, product = Signal(8), Signal.like(multiplier.product)
            m.d.fast += [pixel.eq(multiplier.pixel), product.eq(pixel * multiplier.weight), multiplier.product.eq(product)]
            return m

        monkeypatch.setattr(FastMultiplier, "elaborate", early)
    with pytest.raises((AssertionError, TimeoutError)):
        test_fast_convolution_computes_random_layers(10)


@pytest.mark.parametrize(("beat", "seen"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_phase_is_right_whatever_its_registers_begin_with(beat: int, seen: int) -> None:
    phase = ClockPhase(beat=beat, seen=seen)
    simulator = Simulator(phase)
    add_clocks(simulator)
    seen_phases: list[int] = []

    async def process(ctx: Any) -> None:
        for _ in range(4):
            await ctx.tick()
        for _ in range(6):
            _, _, late = await ctx.tick("fast").sample(phase.late)
            seen_phases.append(late)

    simulator.add_testbench(process)
    simulator.run()
    assert seen_phases == [0, 1] * 3


def test_fast_lanes_need_two_tiles() -> None:
    layout = LaneLayout.natural(lanes=3, tiles=1, width=3)
    with pytest.raises(ValueError, match="at least 2 tiles"):
        FastMacArray(output=layout, source_lanes=3, rotations=[0], centroid_bits=8, arithmetic=Arithmetic((0,), 20, 4))


@pytest.mark.parametrize("other", [{"readers": 2}, {"banked": True}])
def test_line_buffer_has_one_fast_reader(other: dict[str, Any]) -> None:
    layout = LaneLayout.natural(lanes=2, tiles=2, width=4)
    with pytest.raises(ValueError, match="fast reader"):
        LineBuffer(source=layout, channels_last=False, channels=1, tiles=2, lanes=2, slots=4, fast=True, **other)
