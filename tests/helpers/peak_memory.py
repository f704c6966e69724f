# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the command line in a process of its own, and measures the memory that it takes."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_CODE = """
import sys
from firebrick.sw.cli.main import main
try:
    main(sys.argv[2:])
finally:
    with open("/proc/self/status") as status, open(sys.argv[1], "w") as file:
        file.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@dataclass(frozen=True)
class MeasuredRun:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str
    peak: int
    """The largest resident memory in bytes. Linux only; getrusage(2) would count what the process was before exec, too."""


def run_measured(folder: Path, *words: str) -> MeasuredRun:
    """Run `firebrick` with these arguments; the folder is for the measurement."""
    peak = folder / "peak"
    result = subprocess.run([sys.executable, "-c", _CODE, str(peak), *words], capture_output=True, text=True, env=os.environ, check=False)
    return MeasuredRun(result.returncode, result.stdout, result.stderr, 1024 * int(peak.read_text()))
