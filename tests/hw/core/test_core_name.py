# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The name of a core: everything that tools tell cores apart by begins with it, so that one design may have several."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from firebrick.hw.bus.top import BusOptions
from firebrick.hw.core.folder import core_files, files_around
from firebrick.hw.core.golden_vectors import GoldenVectors
from firebrick.hw.core.names import check_core_name
from firebrick.sim import verilator
from firebrick.sw import golden
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Model
from firebrick.sw.zoo import catalogue
from tests.helpers.cores import LANES, describe, noise, run_tool, tiny_model, write

FEEDER = """
module feeder #(parameter FOLDER = "", PIXELS = 1, SCORES = 1) (
    input clk, output reg valid, input ready, output reg [7:0] data, input score_valid, input [31:0] score,
    output reg [31:0] taken, output reg [31:0] errors
);
    reg [7:0] pixels [0:PIXELS-1];
    reg [31:0] scores [0:SCORES-1];
    integer next;
    initial begin
        $readmemh({FOLDER, "/pictures.hex"}, pixels);
        $readmemh({FOLDER, "/scores.hex"}, scores);
        valid = 0; next = 0; taken = 0; errors = 0;
    end
    always @(posedge clk) if (!valid || ready) begin
        valid <= next < PIXELS;
        if (next < PIXELS) data <= pixels[next];
        next = next + 1;
    end
    always @(negedge clk) if (score_valid) begin
        if (score !== scores[taken]) errors = errors + 1;
        taken = taken + 1;
    end
endmodule
"""
"""Sends the pictures of a core, and counts its scores and those of them that are wrong."""


def design(cores: dict[str, tuple[Path, GoldenVectors]]) -> str:
    """A bench with several cores of plain streams, which work at the same time."""
    sides, done, errors = [], [], []
    for name, (folder, vectors) in cores.items():
        sides.append(f"""
    wire {name}_valid, {name}_ready, {name}_came;
    wire [7:0] {name}_data;
    wire [31:0] {name}_score, {name}_taken, {name}_errors;
    feeder #(.FOLDER("{folder / "tb"}"), .PIXELS({vectors.frames.size}), .SCORES({vectors.scores.size})) {name}_feeder (
        .clk(clk), .valid({name}_valid), .ready({name}_ready), .data({name}_data),
        .score_valid({name}_came), .score({name}_score), .taken({name}_taken), .errors({name}_errors));
    {name}_stream {name}_core (.clk(clk), .rst(1'b0), .pixel_valid({name}_valid), .pixel_ready({name}_ready), .pixel_data({name}_data),
        .score_valid({name}_came), .score_ready(1'b1), .score_data({name}_score), .score_last(), .busy());""")
        done.append(f"{name}_taken == {vectors.scores.size}")
        errors.append(f"{name}_errors")
    return f"""
module several;
    reg clk = 0;
    always #5 clk = !clk;
    {"".join(sides)}
    always @(posedge clk) if ({" && ".join(done)}) begin
        $display("%0d scores are wrong", {" + ".join(errors)});
        $finish;
    end
    initial #20000000 begin
        $display("scores are missing");
        $finish;
    end
endmodule
{FEEDER}"""


def frames_of(model: Model) -> GoldenVectors:
    shape = model.network.input
    frames = np.random.default_rng(4).integers(0, 256, (2, shape.channels, shape.height, shape.width), np.uint8)
    return GoldenVectors(["noise 0", "noise 1"], frames, golden.run(model, frames))


def build(folder: Path, cores: dict[str, tuple[Model, int]]) -> list[str]:
    """Write several cores and their bench; what a simulator has to read."""
    made = {}
    for name, (model, lanes) in cores.items():
        vectors = frames_of(model)
        made[name] = write(folder / name, core_files(model, lanes, vectors, frequency=50.0, name=name)[0]), vectors
    (folder / "several.v").write_text(design(made))
    sources = [str(path) for core, _ in made.values() for path in sorted((core / "rtl").glob("*.v"))]
    return [*sources, str(folder / "several.v")]


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed (Debian: apt-get install iverilog)")
def test_two_cores_in_one_design_compute_their_scores_in_icarus(tmp_path: Path) -> None:
    sources = build(tmp_path, {"left": (tiny_model(), LANES), "right": (tiny_model(signed=True), LANES)})
    status, output = run_tool("iverilog", "-g2005", "-s", "several", "-o", "several.vvp", *sources, cwd=tmp_path)
    assert status == 0, output
    assert run_tool("vvp", "-n", "several.vvp", cwd=tmp_path) == (0, "0 scores are wrong\n")


@pytest.mark.slow
def test_digits_twice_with_two_plans_computes_its_scores_in_verilator(tmp_path: Path) -> None:
    model = catalogue.load("digits")
    sources = build(tmp_path, {"fast": (model, 24), "little": (model, 12)})
    environment = verilator.environment("-O0")
    environment["MAKEFLAGS"] += " CFG_CXXFLAGS_STD=-std=gnu++20"  # coroutines, for the delays in the bench
    options = ["--binary", "--timing", "-Wno-fatal", "-O1", "--top-module", "several"]
    status, output = run_tool("verilator", *options, *sources, cwd=tmp_path, env=environment)
    assert status == 0, output
    status, output = run_tool("obj_dir/Vseveral", cwd=tmp_path)
    assert status == 0, output
    assert "\n0 scores are wrong\n" in f"\n{output}"


def test_all_modules_have_the_name() -> None:
    model = tiny_model()
    files, _ = core_files(model, LANES, noise(model), frequency=50.0, name="cat_1", bus=BusOptions(wishbone=True))
    modules = re.findall(r"^module \\?([^\s(]+)", files["rtl/cat_1_wishbone.v"], re.MULTILINE)
    assert {"cat_1_wishbone", "cat_1_rom"} < set(modules)
    assert all(module.startswith("cat_1_") for module in modules), modules


@pytest.mark.parametrize("bus", [None, BusOptions(), BusOptions(wishbone=True)], ids=["native", "axi", "wishbone"])
def test_everything_that_tools_tell_cores_apart_by_begins_with_the_name(bus: BusOptions | None) -> None:
    core = describe(tiny_model(), bus, "cat_1")
    files = {**files_around(core, noise(core.model)), core.interface.generated: "", "report.json": ""}
    words = re.findall(r"#define (\w+)|(\w+)\[", files["cat_1.h"])
    assert all(word.lower().startswith("cat_1_") for pair in words for word in pair if word)
    assert "name: firebrick:cores:cat_1:" in files["cat_1.core"]
    assert "<ipxact:name>cat_1</ipxact:name>" in files["component.xml"]
    listed = set(re.findall(r"(?:rtl|tb|lint|constraints)/[\w.]+", files["cat_1.core"] + files["component.xml"] + files["cat_1.f"]))
    assert listed
    assert listed <= set(files)
    plain = {path for path in files if "cat_1" not in path and path.split("/")[0] not in ("doc", "litex")}
    assert plain == {"README.md", "component.xml", "report.json", "tb/pictures.hex", "tb/scores.hex"}


def test_name_left_out_changes_nothing() -> None:
    model = tiny_model()
    core = describe(model)
    assert files_around(core, noise(model)) == files_around(describe(model, name="firebrick"), noise(model))
    assert core.vlnv.startswith("firebrick:cores:random:")


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "ü", "a/b", "_a", "small", "module", "logic", "output"])
def test_core_name_rejects_what_is_no_identifier(name: str) -> None:
    with pytest.raises(FirebrickError, match="the core's name must"):
        check_core_name(name)
