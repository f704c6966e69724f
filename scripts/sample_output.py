# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the commands whose output README.md and docs/ show, and rewrites that output; the commands take seconds.

A sample is a block of code between two comments, whose first line is the command::

    <!-- sample -->
    ```
    $ firebrick models
    ...
    ```
    <!-- /sample -->
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
SAMPLE = re.compile(r"(?<=<!-- sample -->\n```\n\$ )(?P<command>.*)\n(?P<output>(?:.*\n)*?)(?=```\n<!-- /sample -->)")
LONG_FRACTION = re.compile(r"\d\.\d{6,}(e-\d+)?")
COLUMNS = "100"
"""Width of the terminal."""
MEASURED = re.compile(r' *\d+\.\d+ (ms|s|frames/s)\b|(?<="latency": )[\d.]+|(?<="seconds": )[\d.]+')
"""Parts of an output that differ from run to run."""


def pages() -> list[Path]:
    """The pages that have samples."""
    return [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if SAMPLE.search(page.read_text())]


def samples(text: str) -> list[tuple[str, str]]:
    """Command and output of each sample of a page."""
    return [(match["command"], match["output"]) for match in SAMPLE.finditer(text)]


def refreshed(text: str, run: Callable[[str], str]) -> str:
    """A page with the output that each command has now; one that differs in nothing but measured times stays."""

    def renew(match: re.Match[str]) -> str:
        output = run(match["command"])
        return match[0] if unmeasured(output) == unmeasured(match["output"]) else f"{match['command']}\n{output}"

    return SAMPLE.sub(renew, text)


def unmeasured(output: str) -> str:
    """An output without the times in it, and with fractions to six digits: exponentials differ in the last ones between machines."""
    return LONG_FRACTION.sub(lambda match: f"{float(match[0]):.6g}", MEASURED.sub(" T", output))


def run(command: str) -> str:
    """What a command prints, as on a terminal; a failure ends this program."""
    print(f"samples: {command}", file=sys.stderr)
    words = shlex.split(command)
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name(words[0])), *words[1:]],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return done.stdout


def main() -> None:
    """Rewrite the samples in place."""
    for page in pages():
        page.write_text(refreshed(page.read_text(), run))


if __name__ == "__main__":
    main()
