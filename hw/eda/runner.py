# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tool runs whose products are cached under a digest of everything that they depend on."""

import gzip
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from ...sw.errors import FirebrickError
from ...sw.utils.progress import Progress, no_progress
from ...sw.utils.verified_cache import VerifiedCache, file_digest
from .process import PROGRESS_INTERVAL, ToolUsage, report_elapsed, run_logged
from .tool_paths import TOOL_PACKAGES, package_version, tool_command

logger = logging.getLogger(__name__)

LOG_TAIL_BYTES = 1 << 20
"""How much of a successful step's log is kept, its end: Yosys prints hundreds of megabytes."""
_LAST_LINES_BYTES = 4096
USAGE_FILE = "effort.json"
"""The file beside a step's products with the time and memory that it took, see ``ToolUsage``."""


@dataclass(frozen=True)
class ToolStep:
    """A run of a tool, skipped if its products are in the cache, undamaged.

    The cache key is a digest of the commands, the contents of the inputs and the version of the tool's package.
    """

    name: str
    """What the step does, for progress messages and errors."""
    command: Sequence[str]
    """The tool's name or path, and its arguments; file names are relative to the step's folder."""
    inputs: Sequence[Path]
    """The files that the tool reads; they are linked into the folder under their own names."""
    products: Sequence[str]
    """The files that the tool writes."""
    fallback: Sequence[str] = ()
    """The command to run in its place where it does not converge, with the same products."""
    does_not_converge: Callable[[str], bool] | None = None
    """Whether the last lines that the tool printed show that it will not end; then it is ended, and ``fallback`` run."""

    def run(self, cache: Path, progress: Progress, executor: Executor | None = None) -> dict[str, Path]:
        """The paths of the products, and of ``USAGE_FILE``: JSON of {step, seconds, peak_mib} from when they were made.

        With an ``executor`` the tool runs in another process, maybe on another machine: inputs and products travel as bytes.
        Raises FirebrickError when the tool fails; then only its log is kept.
        """
        name = f"{self.products[0].partition('.')[0]}-{self._digest()}"
        folder, made = cache / name, False

        def make(partial: Path) -> None:
            nonlocal made
            made = True
            logger.info("%s: not in the cache, to be made in %s", self.name, folder)
            if executor:
                self._make_remotely(partial, progress, executor)
            else:
                self._make_locally(partial, folder.with_suffix(".log"), progress)

        VerifiedCache(cache, "name an output folder that you can write to").entry(name, make, progress)
        if not made:
            logger.info("%s: found in the cache, %s", self.name, folder)
        return {product: folder / product for product in (*self.products, USAGE_FILE)}

    def _digest(self) -> str:
        """The cache key."""
        whole = hashlib.sha256()
        for text in (*self.command, *self.fallback, *self.products, USAGE_FILE, package_version(TOOL_PACKAGES.get(self.command[0], "-"))):
            whole.update(text.encode() + b"\0")
        for path in self.inputs:
            whole.update(path.name.encode() + b"\0" + bytes.fromhex(file_digest(path)))
        return whole.hexdigest()[:16]

    def _make_locally(self, folder: Path, log: Path, progress: Progress) -> None:
        for path in self.inputs:
            _link(path, folder / path.name)
        log.unlink(missing_ok=True)
        usage = self._run(folder, log, progress)
        (folder / USAGE_FILE).write_text(json.dumps({"step": self.name, "seconds": usage.seconds, "peak_mib": usage.peak_mib}))
        for path in self.inputs:
            (folder / path.name).unlink()
        for product in self.products:
            if not (folder / product).exists():
                raise FirebrickError(f"{self.name} made no {product}; all it printed is in {log}")
        log.write_bytes(log.read_bytes()[-LOG_TAIL_BYTES:])

    def _run(self, folder: Path, log: Path, progress: Progress) -> ToolUsage:
        report = report_elapsed(self.name, progress)
        looked = 0.0

        def watch(elapsed: float) -> None:
            nonlocal looked
            report(elapsed)
            if self.does_not_converge and elapsed - looked >= PROGRESS_INTERVAL:
                looked = elapsed
                if self.does_not_converge(_last_lines(log)):
                    raise _NotConvergingError

        try:
            return run_logged(_program(self.command), folder, log, name=self.name, on_poll=watch)
        except _NotConvergingError:
            logger.warning("%s does not converge; again as %s", self.name, " ".join(self.fallback))
        return run_logged(_program(self.fallback), folder, log, name=self.name, on_poll=report_elapsed(f"{self.name}, again", progress))

    def _make_remotely(self, folder: Path, progress: Progress, executor: Executor) -> None:
        began = time.monotonic()
        future = executor.submit(_run_on_worker, self, {path.name: gzip.compress(path.read_bytes(), 1) for path in self.inputs})
        try:
            while not wait([future], PROGRESS_INTERVAL).done:
                progress(f"{self.name} on a worker, {time.monotonic() - began:.0f} s")
        finally:
            future.cancel()
        for name, content in future.result().items():
            (folder / name).write_bytes(gzip.decompress(content))


class _NotConvergingError(Exception):
    """A tool does not converge."""


def _program(command: Sequence[str]) -> list[str]:
    return [*tool_command(command[0]), *command[1:]]


def _last_lines(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LAST_LINES_BYTES))
        return stream.read().decode(errors="replace")


def _run_on_worker(step: ToolStep, inputs: dict[str, bytes]) -> dict[str, bytes]:
    """Run a step in a temporary folder of a worker, which shares no files with the caller; inputs and products are gzipped."""
    with tempfile.TemporaryDirectory(prefix="firebrick-") as folder:
        paths = [Path(folder) / name for name in inputs]
        for path in paths:
            path.write_bytes(gzip.decompress(inputs[path.name]))
        products = replace(step, inputs=paths).run(Path(folder) / "made", no_progress)
        return {name: gzip.compress(path.read_bytes(), 1) for name, path in products.items()}


def _link(source: Path, target: Path) -> None:
    """The same file in another folder: a hard link where the file system has them, otherwise a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
