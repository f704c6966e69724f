# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the compiled simulation of its accelerator, kept for the next time."""

import json
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
from ..hw.module_names import TOP
from ..sw.errors import FirebrickError
from ..sw.fire_format.file import encode_model
from ..sw.model.quantized import Model
from ..sw.plan.nodes import Plan
from ..sw.utils.cache import cache_folder
from ..sw.utils.progress import Progress
from ..sw.utils.source_hash import combined_hash, source_code, tool_versions
from . import verilator

REPORT = "report.json"
KEEP = 8
"""Designs and libraries that are kept of each: those used last."""
STALE = 24 * 3600
"""Seconds after which an unfinished folder is nobody's any more."""


@dataclass(frozen=True)
class CompiledSimulation:
    """A compiled simulation."""

    folder: Path
    """With the generated Verilog, ROM files and report.json."""
    compiled: Path
    """The simulation, which reads ROM files from the current folder when it is opened."""

    @property
    def report(self) -> dict[str, Any]:
        """The plan: engines, lanes and predicted cycles."""
        report: dict[str, Any] = json.loads((self.folder / REPORT).read_text())
        return report


@dataclass(frozen=True)
class SimulationTarget:
    """What is made of a model, and how it is driven."""

    generate: Callable[[Model, int], Artefacts]
    """Makes it for so many lanes."""
    module: str
    """The name of the module that generates it."""
    harness: str
    """The C++ file, beside this one."""


ACCELERATOR = SimulationTarget(generate, "firebrick.hw.codegen.verilog", "accelerator_sim.cpp")
"""Streams of bytes in and scores out."""
VIRTUAL_BOARD = SimulationTarget(generate_device, "firebrick.hw.codegen.device_verilog", "virtual_board.cpp")
"""The accelerator behind its link: packets in and out."""


def build(model: Model, lanes: int | Plan, progress: Progress, recipe: SimulationTarget = ACCELERATOR) -> CompiledSimulation:
    """The simulation of a model's accelerator, or what else a recipe makes, for so many lanes; or of a plan of the model.

    The design is named after the model, the lanes or the plan, and the code that generates it; the library after the Verilog, the harness
    and the tools. So each is made once and is never out of date, and a change that leaves the Verilog as it was compiles nothing. Raises
    FirebrickError when a tool is missing or fails.
    """
    env = verilator.environment()
    cache = cache_folder().absolute()
    design = cache / f"design-{combined_hash(encode_model(model), repr(lanes), source_code(recipe.module), tool_versions())}"
    if not (design / REPORT).exists():
        _generate(recipe, model, lanes, design, progress)
    harness = files("firebrick.sim").joinpath(recipe.harness).read_bytes()
    text = (design / f"{TOP}.v").read_bytes()
    library = cache / f"library-{combined_hash(text, harness, *verilator.COMMAND, verilator.MAKE_VARIABLES, tool_versions())}.so"
    built = CompiledSimulation(design, library)
    if not library.exists():
        _compile(built, harness, env, progress)
    for used in (design, library):
        os.utime(used)
    _prune(cache)
    return built


def _generate(recipe: SimulationTarget, model: Model, lanes: int | Plan, design: Path, progress: Progress) -> None:
    what = "generating Verilog"
    progress(what, 0, 2)
    artefacts = generate_plan(lanes) if isinstance(lanes, Plan) else recipe.generate(model, lanes)
    progress(what, 1, 2)
    with _unfinished(design.parent) as folder:
        artefacts.write(folder)
        if not design.exists():
            folder.rename(design)
    progress(what, 2, 2)


def _compile(built: CompiledSimulation, harness: bytes, env: dict[str, str], progress: Progress) -> None:
    """Verilog to C++ to a library, in a folder of its own."""
    library, what = built.compiled, "compiling the simulation (minutes, once)"
    log = library.with_suffix(".log")
    with _unfinished(library.parent) as folder:
        log.unlink(missing_ok=True)
        progress(what, 0, 100)
        verilator.run([*verilator.COMMAND, "--top-module", TOP, "--Mdir", "obj", str(built.folder / f"{TOP}.v")], folder, env, log)
        objects = folder / "obj"
        (objects / "harness.cpp").write_bytes(harness)
        expected = len(list(objects.glob(f"V{TOP}*.cpp"))) + 3

        def look() -> None:
            progress(what, 100 * len(list(objects.glob("*.o"))) // expected, 100)

        targets = [f"V{TOP}__ALL.a", "libverilated.a"]
        jobs = str(os.cpu_count() or 1)
        verilator.run(["make", "-s", "-j", jobs, "-C", "obj", "-f", f"V{TOP}.mk", *targets], folder, env, log, watch=look)
        include = Path(env.get("VERILATOR_ROOT", "/usr/share/verilator")) / "include"
        compiler = ["g++", "-O2", "-fPIC", "-shared", f"-DSCORE_BITS={int(built.report['score_bits'])}", "-I.", f"-I{include}"]
        command = [*compiler, f"-I{include / 'vltstd'}", "harness.cpp", *targets, "-pthread", "-o", library.name]
        verilator.run(command, objects, env, log)
        (objects / library.name).replace(library)
        log.unlink()
    progress(what, 100, 100)


@contextmanager
def _unfinished(cache: Path) -> Iterator[Path]:
    """A folder to make something in, which is gone afterwards unless it was renamed."""
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
    """Remove what has not been used for long, and what an interrupted process left."""
    for kind in ("design-*", "library-*.so"):
        for old in sorted(cache.glob(kind), key=_age)[KEEP:]:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    for left in cache.glob("partial-*"):
        if _age(left) > STALE:
            shutil.rmtree(left, ignore_errors=True)


def _age(path: Path) -> float:
    """Seconds since something was used last; what has just been removed by another process is older than anything."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")
