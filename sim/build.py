# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the compiled simulation of its accelerator, cached for the next time."""

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..hw.codegen.device_verilog import generate_device
from ..hw.codegen.verilog import Artefacts, generate, generate_plan
from ..hw.eda.process import run_logged
from ..hw.module_names import TOP
from ..sw.errors import FirebrickError
from ..sw.fire_format.file import encode_model
from ..sw.model.quantized import Model
from ..sw.plan.nodes import Plan
from ..sw.utils.cache import cache_folder
from ..sw.utils.progress import Progress
from ..sw.utils.source_hash import combined_hash, source_code, tool_versions
from . import verilator

logger = logging.getLogger(__name__)

REPORT = "report.json"
DESIGNS_KEPT = 8
"""How many designs, and how many libraries, the cache keeps: those used last."""
STALE_SECONDS = 24 * 3600
"""The age at which a partial folder is taken to be left over from a killed process; a build takes minutes."""


@dataclass(frozen=True)
class CompiledSimulation:
    """A generated design and its simulation."""

    folder: Path
    """The generated Verilog, ROM files and report.json."""
    library: Path
    """The compiled simulation, a shared library; it reads ROM files from the current folder when it is opened."""

    @property
    def report(self) -> dict[str, Any]:
        """The plan: engines, lanes and predicted cycles."""
        report: dict[str, Any] = json.loads((self.folder / REPORT).read_text())
        return report


@dataclass(frozen=True)
class SimulationTarget:
    """What is generated from a model, and which C++ harness drives it."""

    generate: Callable[[Model, int], Artefacts]
    """Generates the design for a number of lanes."""
    module: str
    """The name of the Python module with the generator; its sources are part of the cache key."""
    harness: str
    """The C++ file, in this package."""


ACCELERATOR = SimulationTarget(generate, "firebrick.hw.codegen.verilog", "accelerator_sim.cpp")
"""The bare accelerator: streams of pixel bytes in and scores out."""
VIRTUAL_BOARD = SimulationTarget(generate_device, "firebrick.hw.codegen.device_verilog", "virtual_board.cpp")
"""The accelerator behind its link: packets in and out."""


def build(model: Model, lanes: int | Plan, progress: Progress, target: SimulationTarget = ACCELERATOR) -> CompiledSimulation:
    """The compiled simulation of a model's accelerator, or of another target, for a number of lanes or a plan of the model.

    Two caches, both keyed by content, so that entries are never out of date. The design's key is the model, the lanes or plan, and the
    sources of the generator; the library's key is the Verilog, the harness and the tools. So a change to the generator that leaves the
    Verilog as it was compiles nothing. Raises FirebrickError when a tool is missing or fails.
    """
    env = verilator.environment()
    cache = cache_folder().absolute()
    design = cache / f"design-{combined_hash(encode_model(model), repr(lanes), source_code(target.module), tool_versions())}"
    if (design / REPORT).exists():
        logger.info("design found in the cache, %s", design)
    else:
        _generate(target, model, lanes, design, progress)
    harness = files("firebrick.sim").joinpath(target.harness).read_bytes()
    text = (design / f"{TOP}.v").read_bytes()
    library = cache / f"library-{combined_hash(text, harness, *verilator.COMMAND, verilator.MAKE_VARIABLES, tool_versions())}.so"
    simulation = CompiledSimulation(design, library)
    if library.exists():
        logger.info("compiled simulation found in the cache, %s", library)
    else:
        _compile(simulation, harness, env, progress)
    for used in (design, library):
        os.utime(used)  # for _prune, which keeps those used last
    _prune(cache)
    return simulation


def _generate(target: SimulationTarget, model: Model, lanes: int | Plan, design: Path, progress: Progress) -> None:
    """Generate the design in a partial folder, renamed when complete."""
    step = "generating Verilog"
    progress(step, 0, 2)
    artefacts = generate_plan(lanes) if isinstance(lanes, Plan) else target.generate(model, lanes)
    progress(step, 1, 2)
    with _partial_folder(design.parent) as folder:
        artefacts.write(folder)
        if not design.exists():  # another process may have been quicker
            folder.rename(design)
    progress(step, 2, 2)


def _compile(simulation: CompiledSimulation, harness: bytes, env: dict[str, str], progress: Progress) -> None:
    """Compile Verilog to C++ and that to a library, in a partial folder."""
    library, step = simulation.library, "compiling the simulation (minutes, once)"
    log = library.with_suffix(".log")
    with _partial_folder(library.parent) as folder:
        log.unlink(missing_ok=True)
        progress(step, 0, 100)
        # 1. Verilog to C++
        run_logged([*verilator.COMMAND, "--top-module", TOP, "--Mdir", "obj", str(simulation.folder / f"{TOP}.v")], folder, log, env=env)
        objects = folder / "obj"
        (objects / "harness.cpp").write_bytes(harness)
        expected = len(list(objects.glob(f"V{TOP}*.cpp"))) + 3  # and the objects of the runtime library

        def report_objects(_elapsed: float) -> None:
            progress(step, 100 * len(list(objects.glob("*.o"))) // expected, 100)

        # 2. C++ to object files, in parallel
        targets = [f"V{TOP}__ALL.a", "libverilated.a"]
        jobs = str(os.cpu_count() or 1)
        run_logged(["make", "-s", "-j", jobs, "-C", "obj", "-f", f"V{TOP}.mk", *targets], folder, log, env=env, on_poll=report_objects)
        # 3. Harness and object files to a library
        include = Path(env.get("VERILATOR_ROOT", "/usr/share/verilator")) / "include"
        compiler = ["g++", "-O2", "-fPIC", "-shared", f"-DSCORE_BITS={int(simulation.report['score_bits'])}", "-I.", f"-I{include}"]
        command = [*compiler, f"-I{include / 'vltstd'}", "harness.cpp", *targets, "-pthread", "-o", library.name]
        run_logged(command, objects, log, env=env)
        (objects / library.name).replace(library)
        log.unlink()
    progress(step, 100, 100)


@contextmanager
def _partial_folder(cache: Path) -> Iterator[Path]:
    """A temporary folder in the cache, removed at the end unless it was renamed."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="partial-", dir=cache))
    except OSError as error:
        raise FirebrickError(f"cannot write to {cache}: {error.strerror}; set FIREBRICK_CACHE to a folder that you can write to") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prune(cache: Path) -> None:
    """Remove the entries used least recently, and what interrupted processes left behind."""
    for kind in ("design-*", "library-*.so"):
        for old in sorted(cache.glob(kind), key=_age)[DESIGNS_KEPT:]:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    for partial in cache.glob("partial-*"):
        if _age(partial) > STALE_SECONDS:
            shutil.rmtree(partial, ignore_errors=True)


def _age(path: Path) -> float:
    """Seconds since an entry was used last; infinite if another process has just removed it."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")
