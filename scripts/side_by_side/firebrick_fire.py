# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Fire module by Firebrick, as a part of its network's pipeline, and a bench for it."""

from dataclasses import replace
from itertools import product

from firebrick.hw.accelerator import Pipeline
from firebrick.hw.codegen.verilog import to_verilog
from firebrick.sim.payloads import node_traffic
from firebrick.sw.compiler.configurations import plain_configurations
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.compiler.workload import workloads
from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.data.images import read_images
from firebrick.sw.model.quantized import Model
from firebrick.sw.plan.nodes import Adapter, Plan

FRAMES = 3
BENCH = """\
module test;
  reg clk = 0, rst = 1;
  reg [{width}-1:0] inputs[0:{sent}-1];
  reg [{out_width}-1:0] outputs[0:{expected}-1];
  integer cycles = 0, in = 0, out = 0, bad = 0, last = 0;
  wire ready, valid;
  wire [{out_width}-1:0] payload;
  initial begin $readmemh("inputs.hex", inputs); $readmemh("outputs.hex", outputs); end
  always #5 clk = ~clk;
  firebrick dut(.clk(clk), .rst(rst), .input__valid(cycles > 20 && in < {sent}), .input__payload(inputs[in < {sent} ? in : 0]),
    .input__ready(ready), .output__valid(valid), .output__payload(payload), .output__ready(1'b1));
  always @(posedge clk) begin
    cycles <= cycles + 1;
    if (cycles == 10) rst <= 0;
    if (cycles > 20 && ready && in < {sent}) in <= in + 1;
    if (cycles > 20 && valid) begin
      if (payload != outputs[out]) bad = bad + 1;
      out = out + 1;
      if (out % {frame} == 0) begin $display("frame %0d", cycles - last); last = cycles; end
      if (out == {expected}) begin $display("bad %0d", bad); $finish; end
    end
  end
endmodule
"""
"""Streams frames back to back and prints the number of cycles between their last words."""


def fire_plan(model: Model, fire: str, multipliers: int) -> tuple[Plan, int, int]:
    """A plan of the whole network with the fastest Fire module for a number of multipliers, and its first and last node.

    All other engines have one lane, except the one before the module, whose output beats must be as wide as the module's input. The bench
    feeds the module evenly, not in bursts as pooling does in the network, so the squeeze engine need not be faster than the expand engine.
    """
    engines = {workload.name: replace(workload, peak_rate=1) for workload in workloads(model)}
    squeeze, expand = engines[f"{fire}/squeeze"], engines[f"{fire}/expand"]
    pairs = [
        (max(squeeze.cycles(one), expand.cycles(two)), one.lanes * one.partitions + two.lanes * two.partitions, one, two)
        for one, two in product(plain_configurations(squeeze), plain_configurations(expand))
        if one.lanes * one.partitions + two.lanes * two.partitions <= multipliers
        and expand.keeps_up(two, (one.lanes, squeeze.tiles(one.lanes)))
    ]
    _, _, one, two = min(pairs, key=lambda pair: pair[:2])
    names = list(engines)
    before = names[names.index(squeeze.name) - 1]
    configurations = {name: EngineConfig(1) for name in names} | {before: EngineConfig(one.lanes), squeeze.name: one, expand.name: two}
    plan = plan_with(model, configurations)
    indices = {node.name: index for index, node in enumerate(plan.nodes) if not isinstance(node, Adapter)}
    return plan, indices[squeeze.name], indices[expand.name]


def bench_files(model: Model, plan: Plan, first: int, last: int) -> dict[str, str]:
    """The files of a bench that streams the module's input for photographs, and compares every output word with the golden model."""
    frames = read_images(photographs()[:FRAMES], model.preprocessing, model.network.input)
    steps = list(node_traffic(model, plan, frames))
    sent, expected = steps[first].inputs, steps[last].outputs
    text, roms = to_verilog(Pipeline(nodes=plan.nodes[first : last + 1]), "firebrick")
    widths = 8 * plan.nodes[first].source.lanes, 8 * plan.nodes[last].output.lanes  # type: ignore[union-attr]
    bench = BENCH.format(width=widths[0], out_width=widths[1], sent=len(sent), expected=len(expected), frame=len(expected) // FRAMES)
    files = {"inputs.hex": sent, "outputs.hex": expected}
    return {"test.v": text + bench, **roms, **{name: "".join(f"{word:x}\n" for word in words) for name, words in files.items()}}
