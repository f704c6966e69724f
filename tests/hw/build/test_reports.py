# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Reports of builds: their keys and their order, which are part of the format, and what is read from the tools' reports."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from firebrick.hw.boards.registry import board
from firebrick.hw.build.clock_timing import accelerator_clock, failing_clocks
from firebrick.hw.build.reports import SynthesisReport, synthesis_report, timing_report, vendor_report
from firebrick.hw.flows.ecp5 import Ecp5Flow
from firebrick.hw.flows.options import Options
from firebrick.hw.module_names import NODE_MODULE_PREFIX, TOP, module_name
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.fpga.peripherals import Peripherals
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape
from firebrick.sw.plan.nodes import walk

NETWORK = Network("tiny", Shape(1, 8, 8), (Conv("conv1", 4, 3, padding=1), Conv("conv10", 3, 1), GlobalAverage("pool10")))
UTILIZATION = {
    "TRELLIS_COMB": {"available": 24288, "used": 12221},
    "TRELLIS_FF": {"available": 24288, "used": 7760},
    "TRELLIS_RAMW": {"available": 3036, "used": 313},
    "DP16KD": {"available": 56, "used": 1},
    "MULT18X18D": {"available": 28, "used": 28},
    "EHXPLLL": {"available": 2, "used": 1},
}
"""What nextpnr reports of a build of the digits network for a ULX3S 12F, in part."""
OPTIONS = Options(40e6, seed=7, link="uart")
SYNTHESIS_KEYS = [
    *("link", "simulated_cycles_per_frame", "board", "bitstream", "network", "classes", "lanes", "cycles_per_frame"),
    *("engine_latency_ms", "host", "available", "predicted", "actual", "nodes", "plan"),
]


@pytest.fixture(scope="module")
def synthesis() -> SynthesisReport:
    """The report of a design of 7 LUTs in an engine, 1 in the adapter before it, and 100 around them."""
    model = randomly_initialised(NETWORK, np.random.default_rng(0))
    plan = compile_model(model, 5)
    _, adapter, engine, _ = (NODE_MODULE_PREFIX + module_name(node, number) for number, node in enumerate(walk(plan.nodes)))
    modules = {engine: {"LUT4": 7}, adapter: {"LUT4": 1}, TOP: {"CCU2C": 50}}
    statistics = {"modules": {f"\\{name}": {"num_cells_by_type": cells} for name, cells in modules.items()}}
    return synthesis_report(plan, model, board("ulx3s_12f"), OPTIONS, "uart", statistics)


needs_boards = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")


@needs_boards
def test_synthesis_report_divides_cells_among_nodes(synthesis: SynthesisReport) -> None:
    assert list(synthesis) == SYNTHESIS_KEYS
    luts = {node["name"]: node["actual"]["luts"] for node in synthesis["nodes"]}
    assert synthesis["actual"]["luts"] == sum(luts.values()) == 108
    assert luts["link and board"] == 100
    assert 0.5 <= synthesis["engine_latency_ms"] * 40e3 / synthesis["cycles_per_frame"] < 3  # it is in ms, at 40 MHz
    assert sorted(luts.values()) == [0, 0, 8, 100]


@needs_boards
def test_timing_report_surrounds_the_synthesis_report(synthesis: SynthesisReport) -> None:
    timing: dict[str, Any] = {"fmax": {"clk": clock(40, 45.6789)}, "critical_paths": [], "utilization": UTILIZATION}
    report = timing_report(synthesis, Ecp5Flow(), OPTIONS, [{"seed": 3, "fmax_mhz": 45.679}], timing, 40e6)
    before = ["fps", "frequency_mhz", "fmax_mhz", "seed", "critical_path", "slowest_ns", "utilization", "placed"]
    assert list(report) == [*before, *SYNTHESIS_KEYS, "seeds"]
    assert (report["fmax_mhz"], report["frequency_mhz"], report["seed"]) == (45.679, 40.0, 3)
    assert report["fps"] == round(40e6 / synthesis["cycles_per_frame"], 3)


@needs_boards
def test_timing_report_lists_the_cells_that_place_and_route_counts(synthesis: SynthesisReport) -> None:
    timing: dict[str, Any] = {"fmax": {"clk": clock(40, 45.6)}, "critical_paths": [], "utilization": UTILIZATION}
    placed = timing_report(synthesis, Ecp5Flow(), OPTIONS, [{"seed": 3, "fmax_mhz": 45.6}], timing, 40e6)["placed"]
    assert placed == [
        {"what": "LUTs, carry chains, distributed RAM", "cell": "TRELLIS_COMB", "used": 12221, "available": 24288, "estimate": 108},
        {"what": "flip-flops", "cell": "TRELLIS_FF", "used": 7760, "available": 24288, "estimate": None},
        {"what": "write ports of distributed RAM", "cell": "TRELLIS_RAMW", "used": 313, "available": 3036, "estimate": None},
        {"what": "block RAMs", "cell": "DP16KD", "used": 1, "available": 56, "estimate": 0},
        {"what": "multipliers", "cell": "MULT18X18D", "used": 28, "available": 28, "estimate": 0},
    ]


@needs_boards
def test_report_says_what_a_host_sees_over_each_link_of_the_board(synthesis: SynthesisReport) -> None:
    serial, usb = synthesis["host"]
    assert (serial["link"], serial["built"], serial["carrier"]) == ("uart", True, "UART, 2 Mbaud")  # 40 MHz / 13 is 2.6 % above 3 Mbaud
    assert (usb["link"], usb["built"], usb["carrier"]) == ("usb", False, "USB full speed")
    assert serial["fps"] == round(2e6 / 10 / (64 + 11 + 11), 2)  # a DATA packet and a POLL
    assert 0 < serial["latency_ms"] <= serial["stream_latency_ms"]
    assert usb["fps"] > 2 * serial["fps"]


@needs_boards
@pytest.mark.parametrize(
    ("name", "carriers"),
    [
        ("ecpix5_85f", ["UART, 3 Mbaud", "USB high speed"]),
        ("ulx3s_85f", ["UART, 3 Mbaud", "USB full speed"]),
        ("icebreaker", ["UART, 3 Mbaud"]),
    ],
)
def test_boards_know_what_carries_the_bytes_of_their_links(name: str, carriers: list[str]) -> None:
    target = board(name)
    assert [target.carrier(link, target.frequency).name for link in target.links] == carriers


@needs_boards
def test_vendor_report_has_no_fmax(synthesis: SynthesisReport) -> None:
    report = vendor_report(synthesis, OPTIONS, {"project": "project", "bitstream": None, "install": "Vivado"})
    assert list(report) == ["fps", "frequency_mhz", "fmax_mhz", *SYNTHESIS_KEYS, "project", "install"]
    assert (report["fmax_mhz"], report["bitstream"], report["install"]) == (None, None, "Vivado")


def clock(constraint: float, achieved: float) -> dict[str, float]:
    """A clock in nextpnr's report."""
    return {"constraint": constraint, "achieved": achieved}


def test_accelerator_clock_is_the_one_just_below_its_constraint() -> None:
    timing = {"fmax": {"a": clock(60, 70), "b": clock(58.3, 59), "c": clock(12, 80)}}
    assert accelerator_clock(timing, 59.5e6) == clock(58.3, 59)  # a PLL never makes more than it is asked for
    assert accelerator_clock({"fmax": {"a": clock(60, 70), "b": clock(60.0002, 61)}}, 60e6)["achieved"] == 61
    assert failing_clocks(timing, 59.5e6) == ""
    assert failing_clocks({"fmax": {"a": clock(60, 55.5), "b": clock(40, 39)}}, 40e6) == "55.5 MHz for 60.0"  # its own is reported as Fmax


@needs_boards
def test_reports_of_a_device_with_a_camera_have_its_rate_and_every_clock_domain() -> None:
    model = randomly_initialised(NETWORK, np.random.default_rng(0))
    plan = compile_model(model, 5)
    options = replace(OPTIONS, peripherals=Peripherals("ov7670", "hdmi"))
    synthesis = synthesis_report(plan, model, board("ulx3s_12f"), options, "uart", {"modules": {}})
    assert synthesis["camera"] == {"name": "ov7670", "fps": pytest.approx(30, abs=0.5), "prescaler": 1}
    slow = synthesis_report(plan, model, board("ulx3s_12f"), replace(options, frequency=plan.cycles * 11.0), "uart", {"modules": {}})
    assert slow["camera"]["prescaler"] == 3
    assert slow["camera"]["fps"] == pytest.approx(synthesis["camera"]["fps"] / 3, abs=0.001)
    assert slow["camera"]["fps"] <= 11
    nets = {
        "camera.averager.clk": (40.6, 77.6),
        "$glbnet$camera.capture.camera_clk": (25, 135.8),
        "display_clock.tmds_clk": (125, 204.5),
        "camera_xclk.pixel_clk": (25, 82.4),
    }
    timing = {
        "fmax": {net: {"constraint": constraint, "achieved": achieved} for net, (constraint, achieved) in nets.items()},
        "critical_paths": [],
        "detailed_net_timings": [],
        "utilization": {},
    }
    report = timing_report(synthesis, Ecp5Flow(), options, [{"seed": 7, "fmax_mhz": 77.6}], timing, 40.6e6)
    assert report["fmax_mhz"] == 77.6
    assert [clock["domain"] for clock in report["clocks"]] == ["sync", "camera", "tmds", "pixel"]
    assert "clocks" not in timing_report(synthesis, Ecp5Flow(), OPTIONS, [{"seed": 7, "fmax_mhz": 77.6}], timing, 40.6e6)
