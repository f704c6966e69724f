# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the command line in a process of its own, and measures the memory that it takes."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
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


def serve_measured(folder: Path, model: Path, source: Path, uploads: Sequence[Path] = ()) -> MeasuredRun:
    """Run `firebrick serve` on a source, send it uploads one after the other, and end it with SIGINT; stdout has the uploads' statuses."""
    peak, statuses = folder / "peak", []
    words = ["serve", "--json", "--port", "0", "--device", "golden", "--model", str(model), str(source)]
    with subprocess.Popen(
        [sys.executable, "-c", _CODE, str(peak), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        document = ""
        while not document.endswith("}\n"):
            document += process.stdout.readline()
        for upload in uploads:
            request = urllib.request.Request(f"{json.loads(document)['url']}upload?name={upload.name}", upload.read_bytes(), method="POST")
            try:
                statuses.append(urllib.request.urlopen(request, timeout=60).status)
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    return MeasuredRun(process.returncode, " ".join(map(str, statuses)), stderr, 1024 * int(peak.read_text()))
