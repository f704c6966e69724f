# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the compiled simulation of its accelerator, cached for the next time."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..hw.codegen.device_verilog import generate_device
from ..hw.codegen.verilog import Artefacts, generate, generate_plan
from ..hw.eda.process import run_logged
from ..hw.module_names import TOP
from ..sw.fire_format.file import encode_model
from ..sw.model.quantized import Model
from ..sw.plan.nodes import Plan
from ..sw.utils.cache import cache_folder
from ..sw.utils.progress import Progress, no_progress
from ..sw.utils.source_hash import combined_hash, source_code, tool_versions
from ..sw.utils.verified_cache import VerifiedCache, is_intact
from . import verilator

REPORT = "report.json"
LIBRARY = "simulation.so"
RUNTIME = "libverilated.a"
"""Verilator's own part of every simulation."""
_PACKAGE = Path(__file__).parent
_HEADER = re.compile(rb'^#include "(\w+/\w+\.h)"$', re.MULTILINE)
"""A header of this package, in a harness."""
ENTRIES_KEPT = 8
"""How many designs, libraries and runtimes the cache keeps: those used last."""


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

    There are three kinds of cache entries, all keyed by content, so that they are never out of date. The design's key is the model, the
    lanes or plan, and the sources of the generator; the library's key is the Verilog, the harness and the tools. So a change to the
    generator that leaves the Verilog as it was compiles nothing. Verilator's runtime, whose key is the tools alone, is compiled with the
    first library only. Raises FirebrickError when a tool is missing or fails.
    """
    key = combined_hash(encode_model(model), repr(lanes), source_code(target.module), tool_versions())

    def generate_target() -> Artefacts:
        return generate_plan(lanes) if isinstance(lanes, Plan) else target.generate(model, lanes)

    return build_design(key, generate_target, target.harness, progress)


def build_design(key: str, generate_design: Callable[[], Artefacts], harness: str, progress: Progress = no_progress) -> CompiledSimulation:
    """The compiled simulation of a design with a harness, a C++ file in this package; caches are those of ``build``.

    ``key`` is a digest of all that the design is made from; if it is in the cache, it is not generated. Its report must have
    ``score_bits``. Headers of this package that the harness includes, such as ``"display/tmds_recorder.h"``, are found. Raises
    FirebrickError when a tool is missing or fails.
    """
    env = verilator.environment()
    cache = VerifiedCache(cache_folder().absolute(), "set FIREBRICK_CACHE to a folder that you can write to")
    design = cache.entry(f"design-{key}", lambda folder: _generate(generate_design, folder, progress), progress)
    package = files("firebrick.sim")
    source = package.joinpath(harness).read_bytes()
    headers = [package.joinpath(name.decode()).read_bytes() for name in _HEADER.findall(source)]
    text = (design / f"{TOP}.v").read_bytes()
    tools = [*verilator.COMMAND, verilator.MAKE_VARIABLES, tool_versions()]
    key = combined_hash(text, source, *headers, *tools)
    log = cache.folder / f"library-{key}.log"
    runtime = cache.folder / f"runtime-{combined_hash(*tools)}"
    library = cache.entry(f"library-{key}", lambda folder: _compile(design, source, env, runtime, folder, log, progress), progress)
    for pattern in ("design-*", "library-*", "runtime-*"):
        cache.evict(pattern, ENTRIES_KEPT)
    return CompiledSimulation(design, library / LIBRARY)


def _generate(generate_design: Callable[[], Artefacts], folder: Path, progress: Progress) -> None:
    """Generate the design in a folder."""
    step = "generating Verilog"
    progress(step, 0, 2)
    artefacts = generate_design()
    progress(step, 1, 2)
    artefacts.write(folder)
    progress(step, 2, 2)


def _compile(design: Path, harness: bytes, env: dict[str, str], runtime: Path, folder: Path, log: Path, progress: Progress) -> None:
    """Compile a design's Verilog to C++ and that to a library in a folder, with the runtime of that cache entry, which may be missing."""
    step = "compiling the simulation (minutes, once)"
    score_bits = int(json.loads((design / REPORT).read_text())["score_bits"])
    log.unlink(missing_ok=True)
    progress(step, 0, 100)
    with verilator.build_folder(folder) as scratch:
        # 1. Verilog to C++
        shutil.copyfile(design / f"{TOP}.v", scratch / f"{TOP}.v")
        run_logged([*verilator.COMMAND, "--top-module", TOP, "--Mdir", "obj", f"{TOP}.v"], scratch, log, env=env)
        objects = scratch / "obj"
        (objects / "harness.cpp").write_bytes(harness)
        expected = len(list(objects.glob(f"V{TOP}*.cpp"))) + 3  # and the objects of the runtime library

        def report_objects(_elapsed: float) -> None:
            progress(step, 100 * len(list(objects.glob("*.o"))) // expected, 100)

        # 2. C++ to object files, in parallel
        archives = [f"V{TOP}__ALL.a", RUNTIME]
        known = is_intact(runtime)
        if known:
            shutil.copyfile(runtime / RUNTIME, objects / RUNTIME)
        jobs = str(os.cpu_count() or 1)
        targets = archives[:1] if known else archives
        run_logged(["make", "-s", "-j", jobs, "-C", "obj", "-f", f"V{TOP}.mk", *targets], scratch, log, env=env, on_poll=report_objects)
        if not known:

            def keep(entry: Path) -> None:
                shutil.copyfile(objects / RUNTIME, entry / RUNTIME)

            VerifiedCache(runtime.parent).entry(runtime.name, keep)
        # 3. Harness and object files to a library
        include = Path(env.get("VERILATOR_ROOT", "/usr/share/verilator")) / "include"
        compiler = [
            "g++",
            "-O2",
            "-fPIC",
            "-shared",
            f"-DSCORE_BITS={score_bits}",
            "-I.",
            f"-I{_PACKAGE}",
            f"-I{include}",
            f"-I{include / 'vltstd'}",
        ]
        run_logged([*compiler, "harness.cpp", *archives, "-pthread", "-o", LIBRARY], objects, log, env=env)
        shutil.copyfile(objects / LIBRARY, folder / LIBRARY)
    log.unlink()
    progress(step, 100, 100)
