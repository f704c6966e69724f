# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs what the README's table of results says and writes the figures into it; rows that cannot be run keep what they say."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
START, END = "<!-- figures -->\n", "<!-- /figures -->\n"
DEMO, SIM = "build/demo/report.json", "build/sim/report.json"
V1_0 = "build/figures/v1_0.fire"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    command: str
    """What to run; $NAME stands for an input that is given in the environment."""
    figure: Callable[[Any], str]
    """The figure in the command's JSON document."""
    report: str = ""
    """The file with that document, where it is not on stdout."""

    @property
    def shown(self) -> str:
        """The command as the table shows it."""
        return f"`{self.command.replace('$', '').removesuffix(' --json')}`"


ROWS = (
    Row("SqueezeNet v1.1, `.fire` file", "firebrick inspect squeezenet1_1 --json", lambda r: f"{r['bytes']:,} bytes"),
    Row("weights, non-zero weights", "firebrick inspect squeezenet1_1 --json", lambda r: f"{r['weights']:,}, {r['nonzero']:,}"),
    Row("golden model's accuracy on calibration images", "firebrick evaluate --labels $LABELS $IMAGES --json", lambda r: _accuracy(r)),
    Row(
        "Deep Compression SqueezeNet v1.0 at 8 bits, `.fire` file",
        f"firebrick import $NET -o {V1_0} --bits 8 --calibrate $IMAGES --json",
        lambda r: f"{r['bytes']:,} bytes",
    ),
    Row(
        "golden model's accuracy on calibration images",
        f"firebrick evaluate --model {V1_0} --labels $LABELS $IMAGES --json",
        lambda r: _accuracy(r),
    ),
    Row(
        "scores equal in hardware and golden model, v1.1",
        "make demo",
        lambda r: f"{sum(p['equal_scores'] for p in r['pictures']):,} of {sum(p['classes'] for p in r['pictures']):,}",
        DEMO,
    ),
    Row("golden model, seconds per frame", "make demo", lambda r: f"{r['golden_seconds'] / len(r['pictures']):.2f}", DEMO),
    Row("simulated hardware, seconds per frame", "make demo", lambda r: f"{r['hardware_seconds'] / len(r['pictures']):.1f}", DEMO),
    Row(
        "cycles per frame: predicted, measured",
        "make sim",
        lambda r: f"{r['predicted_cycles_per_frame']:,}, {r['cycles_per_frame']:,}",
        SIM,
    ),
    Row("utilisation of the bottleneck engine's multipliers", "make sim", lambda r: f"{100 * r['busy']:.1f} %", SIM),
)


def main() -> None:
    """Rewrite the table in place."""
    head, rest = README.read_text().split(START)
    old, tail = rest.split(END)
    said = {(what, command): figure for what, figure, command in (_cells(line) for line in old.splitlines()[2:])}
    lines = ["| what | figure | command |", "|---|---|---|"]
    documents: dict[str, Any] = {}
    for row in ROWS:
        figure = said.get((row.what, row.shown), "TBD")
        needed = [name for name in ("IMAGES", "LABELS", "NET") if f"${name}" in row.command or (name == "NET" and V1_0 in row.command)]
        missing = [name for name in needed if not os.environ.get(name)]
        if missing:
            print(f"figures: {row.what}: kept, as {', '.join(missing)} is not given", file=sys.stderr)
        else:
            if row.command not in documents:
                documents[row.command] = _run(row)
            figure = row.figure(documents[row.command])
        lines.append(f"| {row.what} | {figure} | {row.shown} |")
    README.write_text(head + START + "\n".join(lines) + "\n" + END + tail)


def _run(row: Row) -> Any:
    print(f"figures: {row.command}", file=sys.stderr)
    words = [os.environ[word[1:]] if word.startswith("$") else word for word in shlex.split(row.command)]
    program = Path(sys.executable).with_name(words[0])
    command = [str(program) if program.exists() else words[0], *words[1:]]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads((ROOT / row.report).read_text() if row.report else done.stdout)


def _accuracy(result: Any) -> str:
    errors = f"standard errors {100 * result['top1_error']:.1f} and {100 * result['top5_error']:.1f} points"
    return f"top-1 {100 * result['top1']:.1f} %, top-5 {100 * result['top5']:.1f} % ({result['images']} images, {errors})"


def _cells(line: str) -> tuple[str, str, str]:
    what, figure, command = (cell.strip() for cell in line.strip("|").split("|"))
    return what, figure, command


if __name__ == "__main__":
    main()
