# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs cocotb benches on generated Verilog with Verilator, each in a folder of its own."""

import json
import logging
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..hw.codegen.verilog import to_verilog
from ..hw.eda.process import run_logged
from ..hw.module_names import FAST_CLOCK
from ..sw.errors import FirebrickError
from ..sw.utils.file_lock import locked
from ..sw.utils.progress import Progress, no_progress
from ..sw.utils.sealed_json import read_sealed, write_sealed
from ..sw.utils.source_hash import combined_hash, tool_versions
from ..sw.utils.verified_cache import VerifiedCache, is_intact
from . import verilator
from .bench_cases import BenchCase
from .cocotb_runner import CASE, MEASURED, PORTS, RESULTS, TOP

logger = logging.getLogger(__name__)

OPTIMISATION = "-O1"
"""Optimisation of the compiled simulation. Benches are short: a higher level takes longer to compile than it saves."""
HANG_CYCLES = 20_000
"""Cycles without a transfer after which the bench gives up; the rarest transfers are a few thousand cycles apart."""
SETTLE_CYCLES = 3_000
"""Cycles after the last expected payload in which no more may come."""
TIME_LIMIT = 900.0
"""Seconds after which building or running a bench is given up."""

ORIGIN = "origin.json"
"""The file with the origin of the component that was built last."""

STALLS = ("none", "source", "sink", "both")
"""The tests of a bench: which side pauses at random."""


STREAM_BENCH = "firebrick.sim.cocotb_bench"
"""The module with the bench of one input and one output stream."""
STREAM_PORTS = ("clk", "rst", *(f"{stream}__{part}" for stream in ("input", "output") for part in ("valid", "ready", "payload")))


@dataclass(frozen=True)
class Bench:
    """A design with its bench."""

    name: str
    generate: Callable[[], tuple[str, dict[str, str]]]
    """Generates the Verilog of the module TOP, and its ROM files."""
    ports: tuple[str, ...]
    """The ports that the bench accesses."""
    document: dict[str, Any]
    """The case, for the bench; ``module`` names the module with the bench."""
    tests: tuple[str, ...]
    """The tests that must report their cycles."""


@dataclass(frozen=True)
class BenchOutcome:
    """The outcome of a bench."""

    name: str
    passed: bool
    cycles: dict[str, int] = field(default_factory=dict)
    """For each test what it measured; for each of STALLS, the cycles from reset to the last payload."""
    failure: str = ""
    """The first failure, if any."""
    seconds: float = 0.0


def run_case(
    case: BenchCase,
    folder: Path,
    *,
    origin: str = "",
    hang_cycles: int = HANG_CYCLES,
    settle_cycles: int = SETTLE_CYCLES,
    seconds: float = TIME_LIMIT,
    progress: Progress = no_progress,
    transform: Callable[[str, dict[str, str], str], str] | None = None,
) -> BenchOutcome:
    """Builds the component of a case and runs the bench with every kind of stalls.

    Each case needs a ``folder`` of its own; a simulation in it that was built from the same Verilog is used again. ``origin`` may be a hash
    of everything that the component is made from: while it is the same, Verilog is not even generated. ``progress`` is called with the
    name of each step. ``transform`` may replace the Verilog, for instance by a netlist after synthesis; it is called with the Verilog,
    its ROMs and the name of the top module.

    Raises FirebrickError when Verilator or a compiler is missing.
    """

    def generate() -> tuple[str, dict[str, str]]:
        text, roms = to_verilog(case.component, TOP, fast=case.fast)
        return (text if transform is None else transform(text, roms, TOP)), roms

    payloads = {name: [f"{payload:x}" for payload in payloads] for name, payloads in (("inputs", case.inputs), ("outputs", case.outputs))}
    limits = {"hang_cycles": hang_cycles, "settle_cycles": settle_cycles}
    document = {"module": STREAM_BENCH, **payloads, **limits, "fast": case.fast}
    ports = (*STREAM_PORTS, *([FAST_CLOCK] if case.fast else []))
    design = Bench(case.name, generate, ports, document, STALLS)
    return run_bench(design, folder, origin=origin, seconds=seconds, progress=progress)


def run_bench(
    design: Bench, folder: Path, *, origin: str = "", seconds: float = TIME_LIMIT, progress: Progress = no_progress
) -> BenchOutcome:
    """Builds a design and runs its bench; parameters are as for ``run_case``."""
    start = time.monotonic()
    env = verilator.environment(OPTIMISATION)
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with locked(folder, progress):
        for stale in (MEASURED, RESULTS, log.name):
            (folder / stale).unlink(missing_ok=True)
        (folder / CASE).write_text(json.dumps(design.document))

        def run(command: str, where: Path, argument: Path) -> None:
            progress({"build": "building", "run": "running"}[command])
            run_logged([sys.executable, "-m", "firebrick.sim.cocotb_runner", command, str(argument)], where, log, env=env, limit=seconds)

        try:
            run("run", _built(design, folder, origin, run), folder)
            failure = _first_failure(folder / RESULTS)
        except FirebrickError as error:
            failure = str(error)
        cycles = _cycles(folder / MEASURED)
    if not failure and set(cycles) != set(design.tests):
        failure = f"only {len(cycles)} of {len(design.tests)} tests were run; the full output is in {log}"
    return BenchOutcome(design.name, not failure, cycles, failure, time.monotonic() - start)


def _built(design: Bench, folder: Path, origin: str, run: Callable[[str, Path, Path], None]) -> Path:
    """The folder with the program of a design and its ROMs, built unless ``folder`` has it of the same component, undamaged."""
    known = read_sealed(folder / ORIGIN)
    if origin and known and known["origin"] == origin and is_intact(folder / known["entry"]):
        logger.info("bench %s: cached, same source code", design.name)
        return folder / str(known["entry"])
    text, roms = design.generate()
    name = f"build-{combined_hash(text, json.dumps(roms), OPTIMISATION, tool_versions())}"
    for other in folder.glob("build-*"):
        if other.name != name:
            shutil.rmtree(other)

    def make(partial: Path) -> None:
        logger.info("bench %s: not in the cache, to be built", design.name)
        for rom, contents in roms.items():
            (partial / rom).write_text(contents)
        with verilator.build_folder(partial) as scratch:
            (scratch / f"{TOP}.v").write_text(text)
            lines = [f'public_flat_rw -module "{TOP}" -var "{port}"' for port in design.ports]
            (scratch / PORTS).write_text("\n".join(["`verilator_config", *lines, ""]))
            run("build", scratch, folder.parent / f"runtime-{combined_hash(OPTIMISATION, tool_versions())}")
            shutil.copy2(scratch / TOP, partial / TOP)

    entry = VerifiedCache(folder).entry(name, make)
    write_sealed(folder / ORIGIN, {"origin": origin, "entry": name})
    return entry


def _cycles(measured: Path) -> dict[str, int]:
    """The cycles of each test that was run; a bench that was ended may have left half a file, or none."""
    try:
        return {stalls: int(entry["cycles"]) for stalls, entry in json.loads(measured.read_text()).items()}
    except (OSError, ValueError):
        return {}


def _first_failure(results: Path) -> str:
    """The message of the first failing test, or an empty string."""
    try:
        tests = ElementTree.parse(results).getroot().iter("testcase")  # noqa: S314 - written by the bench
    except (OSError, ElementTree.ParseError):
        return f"the simulation ended without results; its output is in {results.parent / 'log'}"
    for test in tests:
        for fault in (*test.iter("failure"), *test.iter("error")):
            text = (fault.get("error_msg") or fault.get("message") or fault.text or "failed").strip().splitlines()[0]
            return f"{test.get('name', '').removeprefix('bench/')}: {text}"
    return ""
