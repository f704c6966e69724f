# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One Fire module by NNgen and by Firebrick: generated, simulated, synthesised for the ECP5; writes docs/side_by_side.md.

``python scripts/side_by_side``, with the extra `side-by-side`, which pins NNgen 1.3.4; tried with Python 3.11 and NumPy 2.4. The module is
fire4 of SqueezeNet v1.1. NNgen gets it dense, with random 8-bit weights, since neither its cycles nor its logic depend on their values;
Firebrick gets the weights of the model that it ships, pruned and coded, and as many multipliers as NNgen's takes, or a little fewer.
Takes some minutes; what was made before is kept in build/side_by_side.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from firebrick_fire import bench_files, fire_plan
from nngen_fire import AXI_BITS, PARALLEL, nngen_fire

from firebrick.hw.accelerator import Pipeline
from firebrick.hw.build.out_of_context import component_resources, synthesise
from firebrick.hw.eda.process import run_logged
from firebrick.sim import verilator
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Shape
from firebrick.sw.zoo import catalogue

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "side_by_side"
PAGE = ROOT / "docs" / "side_by_side.md"
FIRE = "fire4"


def main() -> None:
    """Make everything and write the page."""
    model = catalogue.load("squeezenet1_1")
    [squeeze, *_] = [layer for layer in model.network.layers() if layer.name.startswith(f"{FIRE}/")]
    dense = sum(layer.macs for layer in model.network.layers() if layer.name.startswith(f"{FIRE}/"))
    print("NNgen: generating", flush=True)
    text, files = nngen_fire(squeeze.input, model, FIRE, FOLDER)
    said = simulated("NNgen", files)
    theirs = {"cycles": int(re.findall(r"# cycles\s+(\d+)", said)[-1]), "wrong": int(re.findall(r"# wrong\s+(\d+)", said)[-1])}
    print("NNgen: synthesising (many minutes, once)", flush=True)
    theirs |= asdict(synthesise(text, "fire_nngen.v", FOLDER / "steps", show))

    print("Firebrick: generating", flush=True)
    plan, first, last = fire_plan(model, FIRE, theirs["multipliers"])
    said = simulated("Firebrick", bench_files(model, plan, first, last))
    ours = {"cycles": int(re.findall(r"frame (\d+)", said)[-1]), "wrong": int(re.findall(r"bad (\d+)", said)[-1])}
    print("Firebrick: synthesising", flush=True)
    ours |= asdict(component_resources(Pipeline(nodes=plan.nodes[first : last + 1]), FOLDER / "steps", show))
    document = {"nngen": theirs, "firebrick": ours, "dense_macs": dense, "nonzero_macs": nonzero_macs(model)}
    (FOLDER / "side_by_side.json").write_text(json.dumps(document, indent=2) + "\n")
    PAGE.write_text(page(document, squeeze.input))
    print(f"wrote {PAGE.relative_to(ROOT)}")


def simulated(name: str, files: Mapping[str, str]) -> str:
    """What a bench prints, its top module test; a bench that was run before is not run again."""
    folder = FOLDER / f"{name.lower()}-{digest(*files.values())}"
    if not (folder / "said").exists():
        print(f"{name}: simulating (minutes, once)", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text)
        env, log = verilator.environment(), folder / "log"
        options = ["-Wno-fatal", "--x-assign", "fast", "--x-initial", "fast", "-CFLAGS", "-fcoroutines", "--top-module", "test"]
        run_logged(["verilator", "--binary", "--timing", *options, "--Mdir", "obj", "test.v"], folder, log, env=env)
        run_logged(["obj/Vtest"], folder, folder / "saying", env=env)
        (folder / "saying").rename(folder / "said")
    return (folder / "said").read_text()


def nonzero_macs(model: Model) -> int:
    """Multiplications of the module that pruning leaves, a frame."""
    layers = [layer for layer in model.network.layers() if layer.name.startswith(f"{FIRE}/")]
    return sum(model.layers[layer.name].nonzero * layer.output.height * layer.output.width for layer in layers)


def page(document: Mapping[str, Any], shape: Shape) -> str:
    """The page, from what was measured."""
    both = document["nngen"], document["firebrick"]
    dense, nonzero = document["dense_macs"], document["nonzero_macs"]

    def row(what: str, cells: Sequence[object]) -> str:
        return f"| {what} | " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"

    lines = [
        row("multipliers (MULT18X18D)", [one["multipliers"] for one in both]),
        row("cycles a frame", [one["cycles"] for one in both]),
        row("dense multiplications a cycle and multiplier", [f"{dense / one['cycles'] / one['multipliers']:.2f}" for one in both]),
        row("LUTs", [one["luts"] for one in both]),
        row("block RAMs of 18 kbit (DP16KD)", [one["block_rams"] for one in both]),
        row("words of the output that are wrong", [one["wrong"] for one in both]),
    ]
    return TEXT.format(
        rows="\n".join(lines),
        shape=shape,
        nngen=version("nngen"),
        dense=dense,
        nonzero=nonzero,
        share=nonzero / dense,
        axi=AXI_BITS,
        parallel=PARALLEL,
    )


def digest(*texts: str) -> str:
    """A name made from texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def show(step: str, _done: int = 0, _total: int = 0, /) -> None:
    """A progress callback that prints every tenth second."""
    if step.endswith("0 s"):
        print(step, flush=True)


TEXT = """\
# Side by side with NNgen

The same Fire module, fire4 of SqueezeNet v1.1 ({shape} in, 32 squeeze filters, 128 + 128 expand filters), from
[NNgen](https://github.com/NNgen/nngen) {nngen} and from Firebrick, with as many multipliers as NNgen's takes or a little fewer.
`python scripts/side_by_side` (extra `side-by-side`) makes both, simulates both in Verilator, synthesises both with the same Yosys script
for the ECP5 and writes this page.

| | NNgen | Firebrick |
|---|---|---|
{rows}

What differs, and must be kept in mind:

- **Where weights and maps are.** NNgen's accelerator fetches weights and maps from external memory over AXI and writes the squeezed maps
  and the output back; its block RAMs are buffers. The simulated memory, {axi} bits wide, is NNgen's own model, and always ready; a
  real one is slower, and is not counted here. Firebrick's weights are in its block RAMs and logic, and maps stream through: nothing is
  external.
- **When.** NNgen runs the three convolutions one after the other on shared multipliers, so cycles are those from start to done,
  weights fetched. Firebrick's engines work on different rows, or frames, at the same time; cycles are those between two frames.
- **Weights.** NNgen's are dense, 8 bits, any values, in memory: another network of the same shape needs no new hardware. Firebrick's are
  those of one trained model, 6-bit codes into a codebook of 12-bit centroids, of which {share:.0%} of the multiplications are left:
  {nonzero:,} of {dense:,} a frame. That is why a multiplier can do more than one dense multiplication a cycle.
- **Arithmetic.** NNgen: signed 8-bit maps and weights, sums of 32 bits, a bias and a shift. Firebrick: unsigned 8-bit maps, sums as wide
  as proven necessary. Each was compared with its own integer model, every word of the output.
- **Choices.** NNgen's parallelism here is {parallel} input by {parallel} output channels, times the taps of the kernel, for all three
  convolutions; the 1x1 convolutions use a ninth of what the 3x3 one does. Other choices give it other figures.
- **Not compared.** The clock that each reaches, power, and accuracy.
"""


if __name__ == "__main__":
    main()
