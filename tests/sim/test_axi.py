# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Accelerators on AXI in Verilator, driven by cocotbext-axi: scores equal the golden model under gaps, bad packets and soft resets."""

from pathlib import Path

import numpy as np
import pytest

from firebrick.hw.bus.top import BusOptions, BusTop
from firebrick.sim import bench_runner
from firebrick.sim.axi_cases import FASTER_CORE, AxiTests, axi_bench, model_bench
from firebrick.sim.bench_runner import run_bench
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.data.images import read_images
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec
from firebrick.sw.zoo import catalogue
from tests.helpers.slow_sum import scores, sum_descriptor, sum_on_bus

FRAME_BYTES = 60


def test_stand_in_survives_all_that_a_bus_can_do(folder: Path) -> None:
    """Both clocks, and no network: a network takes minutes to be compiled."""
    rng = np.random.default_rng(1)
    options = BusOptions(stream_bytes=4, core_clock=True)
    top = BusTop(core=sum_on_bus(FRAME_BYTES, 4), options=options)
    results = {frame: scores(frame) for frame in (rng.integers(0, 64, FRAME_BYTES, dtype=np.uint8).tobytes() for _ in range(8))}
    bench = axi_bench(
        "stand_in", top, sum_descriptor(FRAME_BYTES), options, results, AxiTests(continuous=10, mixed=24, resets=10, slow_core=3)
    )
    outcome = run_bench(bench, folder / bench.name)
    assert outcome.passed, outcome.failure
    aclk, core_clk = FASTER_CORE
    assert outcome.cycles["continuous"] <= FRAME_BYTES * core_clk / aclk + 1  # a byte a cycle of the core's clock, on average


@pytest.mark.slow
def test_stand_in_with_the_sizes_of_squeezenet(folder: Path) -> None:
    """Counters and packets of real width: frames of 3 x 227 x 227 bytes, 1000 scores of 16 bits."""
    rng = np.random.default_rng(3)
    spec = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=13, width=13), channels=1000, height=13)
    frame_bytes = 3 * 227 * 227
    options = BusOptions(stream_bytes=16)
    top = BusTop(core=sum_on_bus(frame_bytes, 16, spec), options=options)
    frames = (rng.integers(0, 256, frame_bytes, dtype=np.uint8).tobytes() for _ in range(3))
    results = {frame: scores(frame, spec) for frame in frames}
    bench = axi_bench("large_stand_in", top, sum_descriptor(frame_bytes, spec), options, results, AxiTests(2, 5, 1, 0))
    outcome = run_bench(bench, folder / bench.name, seconds=3600)
    assert outcome.passed, outcome.failure
    assert outcome.cycles["continuous"] <= frame_bytes + 1


@pytest.mark.slow
@pytest.mark.parametrize(("stream_bytes", "core_clock"), [(1, True), (16, False)])
def test_fire_module_on_axi_computes_the_golden_scores(stream_bytes: int, core_clock: bool, folder: Path) -> None:
    stages = (
        Conv("conv1", 8, 3, stride=2),
        MaxPool("pool1"),
        Fire("fire2", 5, 8, 9, Bypass.COMPLEX),
        Conv("conv10", 11, 1),
        GlobalAverage("pool10"),
    )
    rng = np.random.default_rng(stream_bytes)
    model = randomly_initialised(Network("fire", Shape(3, 21, 18), stages), rng)
    frames = rng.integers(0, 256, (6, 3, 21, 18), dtype=np.uint8)
    options = BusOptions(stream_bytes=stream_bytes, core_clock=core_clock)
    bench = model_bench(f"fire_axi_{stream_bytes}", model, 12, options, frames, AxiTests(4, 12, 8, 2))
    outcome = run_bench(bench, folder / bench.name)
    assert outcome.passed, outcome.failure


@pytest.mark.slow
def test_digits_on_axi_with_a_clock_of_its_own_computes_the_golden_scores(folder: Path) -> None:
    frames = np.random.default_rng(2).integers(0, 17, (6, 1, 8, 8), dtype=np.uint8) * np.uint8(15)
    bench = model_bench(
        "digits_axi", catalogue.load("digits"), 24, BusOptions(stream_bytes=8, core_clock=True), frames, AxiTests(6, 12, 8, 2)
    )
    outcome = run_bench(bench, folder / bench.name)
    assert outcome.passed, outcome.failure


@pytest.mark.slow
def test_whole_squeezenet_on_axi_computes_the_golden_scores_of_photographs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skimage", reason="carries the photographs")
    monkeypatch.setattr(bench_runner, "OPTIMISATION", "-O1")  # it simulates millions of cycles
    model = catalogue.load("squeezenet1_1")
    frames = read_images(photographs()[:3], model.preprocessing, model.network.input)
    bench = model_bench("squeezenet_axi", model, catalogue.DEFAULT_LANES, BusOptions(stream_bytes=8), frames, AxiTests(1, 3, 1, 0))
    outcome = run_bench(bench, folder / bench.name, seconds=7200)
    assert outcome.passed, outcome.failure
