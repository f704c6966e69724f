# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Families of FPGAs: costs of their cells and memories, projects for vendors' tools, and synthesised designs that compute golden scores."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from firebrick.hw.boards.registry import board
from firebrick.hw.build.bitstream import build
from firebrick.hw.build.reports import VendorResult
from firebrick.hw.build.vendor_project import build_vendor_project
from firebrick.hw.codegen.verilog import Artefacts, generate
from firebrick.hw.eda.tool_paths import tool_command
from firebrick.hw.flows.options import Options
from firebrick.hw.flows.vendor import BUILD_SCRIPT, VENDOR_FLOWS
from firebrick.hw.module_names import TOP
from firebrick.sim.accelerator_sim import Simulator
from firebrick.sim.build import ACCELERATOR
from firebrick.sim.build import build as build_simulation
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw import golden
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.fpga.cost_features import BufferFeatures, PartitionFeatures
from firebrick.sw.fpga.fabric import ECP5, ICE40, ICE40_PLAIN
from firebrick.sw.fpga.memory_shapes import block_rams
from firebrick.sw.fpga.node_costs import NodeCosts
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, Network, Shape
from firebrick.sw.utils.progress import no_progress

pytestmark = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")
TINY = Network(
    "tiny",
    Shape(1, 8, 8),
    (Conv("conv1", 4, 3, padding=1), Fire("fire2", 2, 2, 2), Conv("conv10", 3, 1), GlobalAverage("pool10")),
)
TINIEST = Network("tiniest", Shape(1, 8, 8), (Conv("conv1", 4, 3, padding=1), Conv("conv10", 3, 1), GlobalAverage("pool10")))
PARTITION = PartitionFeatures(
    lanes=2, tiles=4, rom_bits=6000, lut_rom_bits=1024, zero_run_code_bits=4, filters=8, init_bits=20, accumulator_bits=20, accumulators=4,
    squeeze=False, halo=True, lut_multipliers=False,
)  # fmt: skip


def test_ice40_needs_more_of_its_smaller_block_rams() -> None:
    assert [block_rams(depth, width, ICE40) for depth, width in ((256, 16), (257, 16), (512, 8), (2048, 9), (100, 8))] == [1, 2, 1, 5, 1]
    partition = NodeCosts(ECP5).partition(PARTITION)
    assert (partition.block_rams, partition.multipliers) == (1, 2)
    rom, queues, sums = 3, 2 + 1, 2 * 2  # codes and gaps are read at once, so there are two copies of them
    assert NodeCosts(ICE40).partition(PARTITION).block_rams == rom + queues + sums
    assert NodeCosts(ICE40).line_buffer(BufferFeatures(64, 16, 2)).block_rams == 1
    assert NodeCosts(ICE40_PLAIN).partition(PARTITION).multipliers == 0
    assert NodeCosts(ICE40_PLAIN).partition(PARTITION).luts > NodeCosts(ICE40).partition(PARTITION).luts


YOSYS_PRODUCT = 340
"""LUTs of a multiplier, about: Yosys cannot infer the multipliers of a Cyclone III."""
BuildProject = Callable[[str], VendorResult]


@pytest.fixture
def build_project(tmp_path: Path) -> BuildProject:
    """Builds a project whose tools consist of the given program."""

    def run(needed: str) -> VendorResult:
        sources = SimpleNamespace(files={BUILD_SCRIPT: "cat firebrick.v >firebrick.bit", "firebrick.v": b"a design"})
        platform = SimpleNamespace(required_tools=[needed], toolchain="Vivado")
        return build_vendor_project(sources, platform, VENDOR_FLOWS["7 series"], tmp_path / "out", no_progress)

    return run


def test_project_is_written_without_the_vendors_tool(build_project: BuildProject, tmp_path: Path) -> None:
    assert build_project("no-such-tool") == {"project": "project", "bitstream": None, "install": "Vivado, from AMD"}
    assert (tmp_path / "out" / "project" / "firebrick.v").read_bytes() == b"a design"
    assert not (tmp_path / "out" / "firebrick.bit").exists()


def test_project_is_built_with_the_vendors_tool_on_the_path(build_project: BuildProject, tmp_path: Path) -> None:
    assert build_project("sh") == {"project": "project", "bitstream": "firebrick.bit", "install": None}
    assert (tmp_path / "out" / "firebrick.bit").read_bytes() == b"a design"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")
@pytest.mark.parametrize("name", ["arty_a7_35", "atlys", "de0", "de10_lite", "de10_nano", "stepmxo2"])
def test_bitstream_is_estimated_without_the_vendors_tool(name: str, tmp_path: Path) -> None:
    chosen = board(name)
    small = name == "stepmxo2"  # which has 4,320 LUTs and no multipliers
    model = randomly_initialised(TINIEST if small else TINY, np.random.default_rng(0))
    lanes = 2 if small else 5
    report = build(compile_model(model, lanes), model, name, Options(chosen.frequency), tmp_path, no_progress)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert "project" in report
    assert (report["bitstream"], report["fmax_mhz"], report["install"]) == (None, None, chosen.flow.tools)
    assert (tmp_path / "project" / BUILD_SCRIPT).is_file()
    products = lanes * YOSYS_PRODUCT if name == "de0" else 0
    assert report["actual"]["luts"] - products == pytest.approx(report["predicted"]["luts"], rel=0.6)
    assert report["actual"]["multipliers"] == (0 if small or name == "de0" else lanes)  # Yosys uses LUTs instead


MULTIPLIER = """
module MULT9X9(input [8:0] A, SIA, B, SIB, input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET, output [17:0] DOUT);
    wire signed [19:0] product = $signed({ASIGN & A[8], A}) * $signed({BSIGN & B[8], B});
    assign DOUT = product[17:0];
endmodule
"""
"""A model of Gowin's multiplier without its registers; Yosys has none."""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")
@pytest.mark.parametrize(
    ("name", "family", "before"),
    [("icebreaker", "ice40", "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n"), ("tang_nano_9k", "gowin", MULTIPLIER)],
)
def test_synthesised_cells_compute_the_golden_scores(
    name: str, family: str, before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small accelerator after synthesis, on an iCE40 with its FIFOs in block RAM, simulated with models of the cells.

    The oracle is the golden model; the models of cells are Yosys' own, except for Gowin's multiplier.
    """
    chosen, rng = board(name), np.random.default_rng(1)
    model = randomly_initialised(TINY, rng)

    def synthesised(model: Model, lanes: int) -> Artefacts:
        artefacts = generate(model, lanes)
        artefacts.write(tmp_path)
        script = f"""
            read_verilog -defer {TOP}.v
            hierarchy -top {TOP}
            {chosen.flow.synthesis(chosen.platform())}
            write_verilog -noattr netlist.v"""
        (tmp_path / "netlist.ys").write_text(script)
        subprocess.run([*tool_command("yosys"), "netlist.ys"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
        cells = Path(str(files("pyosys"))) / "share" / family / "cells_sim.v"
        text = before + cells.read_text() + (tmp_path / "netlist.v").read_text()
        return replace(artefacts, verilog=text, roms={})

    target = replace(ACCELERATOR, generate=synthesised)
    monkeypatch.setattr("firebrick.sim.accelerator_sim.build", partial(build_simulation, target=target))
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path / "cache"))
    frames = rng.integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)
    with Simulator(model, lanes=5) as simulator:
        results = simulator.run(frames)
    assert np.array_equal([result.scores for result in results], golden.run(model, frames))
