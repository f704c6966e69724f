# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One Fire module by NNgen and by Firebrick: generated, simulated, and synthesised for the ECP5. Writes docs/side_by_side.md.

Run ``python scripts/side_by_side`` with the extra `side-by-side`, which pins NNgen 1.3.4; tested with Python 3.11 and NumPy 2.4. The module
is fire4 of SqueezeNet v1.1. NNgen gets random dense 8-bit weights, since neither its cycles nor its logic depend on their values. Firebrick
gets the pruned and coded weights of its own model, and at most as many multipliers as NNgen's accelerator has. Takes some minutes; products
are cached in build/side_by_side.
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
from firebrick.sw.utils.verified_cache import VerifiedCache
from firebrick.sw.zoo import catalogue

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "side_by_side"
PAGE = ROOT / "docs" / "side_by_side.md"
FIRE = "fire4"


def main() -> None:
    """Measure both and write the page."""
    model = catalogue.load("squeezenet1_1")
    [squeeze, *_] = [layer for layer in model.network.layers() if layer.name.startswith(f"{FIRE}/")]
    dense = sum(layer.macs for layer in model.network.layers() if layer.name.startswith(f"{FIRE}/"))
    print("NNgen: generating", flush=True)
    text, files = nngen_fire(squeeze.input, model, FIRE, FOLDER)
    output = simulated("NNgen", files)
    theirs = {"cycles": int(re.findall(r"# cycles\s+(\d+)", output)[-1]), "wrong": int(re.findall(r"# wrong\s+(\d+)", output)[-1])}
    print("NNgen: synthesising (many minutes, once)", flush=True)
    theirs |= asdict(synthesise(text, "fire_nngen.v", FOLDER / "steps", show))

    print("Firebrick: generating", flush=True)
    plan, first, last = fire_plan(model, FIRE, theirs["multipliers"])
    output = simulated("Firebrick", bench_files(model, plan, first, last))
    ours = {"cycles": int(re.findall(r"frame (\d+)", output)[-1]), "wrong": int(re.findall(r"bad (\d+)", output)[-1])}
    print("Firebrick: synthesising", flush=True)
    ours |= asdict(component_resources(Pipeline(nodes=plan.nodes[first : last + 1]), FOLDER / "steps", show))
    document = {"nngen": theirs, "firebrick": ours, "dense_macs": dense, "nonzero_macs": nonzero_macs(model)}
    (FOLDER / "side_by_side.json").write_text(json.dumps(document, indent=2) + "\n")
    PAGE.write_text(page(document, squeeze.input))
    print(f"wrote {PAGE.relative_to(ROOT)}")


def simulated(name: str, files: Mapping[str, str]) -> str:
    """The output of a bench, whose top module is `test`; cached by the contents of its files."""
    entry = f"{name.lower()}-{digest(*files.values())}"

    def make(folder: Path) -> None:
        print(f"{name}: simulating (minutes, once)", flush=True)
        env, log = verilator.environment(), FOLDER / f"{entry}.log"
        options = ["-Wno-fatal", "--x-assign", "fast", "--x-initial", "fast", "-CFLAGS", "-fcoroutines", "--top-module", "test"]
        with verilator.build_folder(folder) as scratch:
            for file, text in files.items():
                (scratch / file).write_text(text)
            run_logged(["verilator", "--binary", "--timing", *options, "--Mdir", "obj", "test.v"], scratch, log, env=env)
            run_logged(["obj/Vtest"], scratch, folder / "output", env=env)

    return (VerifiedCache(FOLDER).entry(entry, make) / "output").read_text()


def nonzero_macs(model: Model) -> int:
    """The module's multiplications by weights that are not zero, per frame."""
    layers = [layer for layer in model.network.layers() if layer.name.startswith(f"{FIRE}/")]
    return sum(model.layers[layer.name].nonzero * layer.output.height * layer.output.width for layer in layers)


def page(document: Mapping[str, Any], shape: Shape) -> str:
    """The page, from the measurements."""
    both = document["nngen"], document["firebrick"]
    dense, nonzero = document["dense_macs"], document["nonzero_macs"]

    def row(what: str, cells: Sequence[object]) -> str:
        return f"| {what} | " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"

    lines = [
        row("multipliers (MULT18X18D)", [design["multipliers"] for design in both]),
        row("cycles per frame", [design["cycles"] for design in both]),
        row(
            "dense multiplications per cycle and multiplier", [f"{dense / design['cycles'] / design['multipliers']:.2f}" for design in both]
        ),
        row("LUTs", [design["luts"] for design in both]),
        row("block RAMs of 18 kbit (DP16KD)", [design["block_rams"] for design in both]),
        row("wrong output words", [design["wrong"] for design in both]),
    ]
    return TEXT.format(
        rows="\n".join(lines),
        shape=shape,
        nngen=version("nngen"),
        dense=dense,
        nonzero=nonzero,
        fraction=nonzero / dense,
        axi=AXI_BITS,
        parallel=PARALLEL,
    )


def digest(*texts: str) -> str:
    """A short digest of texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def show(step: str, _done: int = 0, _total: int = 0, /) -> None:
    """A progress callback that prints every tenth second."""
    if step.endswith("0 s"):
        print(step, flush=True)


TEXT = """\
# Side by side with NNgen

The same Fire module, fire4 of SqueezeNet v1.1 ({shape} in, 32 squeeze filters, 128 + 128 expand filters), generated by
[NNgen](https://github.com/NNgen/nngen) {nngen} and by Firebrick, with at most as many multipliers as NNgen's accelerator has.
`python scripts/side_by_side` (extra `side-by-side`) generates both, simulates both with Verilator, synthesises both with the same Yosys
script for the ECP5, and writes this page.

| | NNgen | Firebrick |
|---|---|---|
{rows}

The two differ in more than these figures:

- **Memory.** NNgen's accelerator fetches weights and feature maps from external memory over AXI and writes the squeezed maps and
  the output back; its block RAMs are buffers. The simulated memory, {axi} bits wide, is NNgen's own model and always ready; a real
  memory is slower, which is not counted here. Firebrick keeps all weights in block RAM and logic, and streams feature maps; it uses
  no external memory.
- **Schedule.** NNgen runs the three convolutions one after another on shared multipliers; its cycles are counted from start to
  done, weights fetched. Firebrick's engines work on different rows or frames at the same time; its cycles are counted between two
  frames.
- **Weights.** NNgen's weights are dense, 8 bits wide and arbitrary: another network of the same shape needs no new hardware.
  Firebrick's hardware contains one trained model, with 6-bit codes into a codebook of 12-bit centroids. Of its multiplications
  {fraction:.0%} are left after pruning: {nonzero:,} of {dense:,} per frame. So a multiplier can do more than one dense
  multiplication per cycle.
- **Arithmetic.** NNgen uses signed 8-bit maps and weights, 32-bit accumulators, a bias and a shift. Firebrick uses unsigned 8-bit
  maps and accumulators as wide as the weights can need. Each design was compared with its own integer model, in every word of the
  output.
- **Configuration.** NNgen's parallelism here is {parallel} input by {parallel} output channels, times the taps of the kernel, for
  all three convolutions; the 1x1 convolutions use a ninth of the 3x3 convolution's multipliers. Other configurations give other
  figures.
- **Not compared:** Fmax, power and accuracy.
"""


if __name__ == "__main__":
    main()
