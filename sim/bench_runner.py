# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs cocotb benches on generated Verilog under Verilator, each in a folder of its own."""

import json
import logging
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from ..hw.codegen.verilog import to_verilog
from ..hw.eda.process import run_logged
from ..sw.errors import FirebrickError
from ..sw.utils.progress import Progress, no_progress
from ..sw.utils.source_hash import combined_hash, tool_versions
from . import verilator
from .bench_cases import BenchCase
from .cocotb_runner import PORTS, RESULTS, RUNTIME, TOP

logger = logging.getLogger(__name__)

OPTIMISATION = "-O1"
"""Benches are small: to optimise them more takes longer than it saves."""
HANG_CYCLES = 20_000
"""Cycles without any transfer after which a component is taken to hang; the rarest transfers are a few thousand apart."""
SETTLE_CYCLES = 3_000
"""Cycles, after all is done, in which nothing more may come."""
TIME_LIMIT = 900.0
"""After which building or running a bench is given up."""

STALLS = ("none", "source", "sink", "both")
"""What the bench is run with: who pauses at random."""


@dataclass(frozen=True)
class BenchOutcome:
    """How a bench went."""

    name: str
    passed: bool
    cycles: dict[str, int] = field(default_factory=dict)
    """By who stalls, from reset to the last payload."""
    failure: str = ""
    """What went wrong first, when something did."""
    seconds: float = 0.0


def run_case(
    case: BenchCase,
    folder: Path,
    *,
    origin: str = "",
    patience: int = HANG_CYCLES,
    settle: int = SETTLE_CYCLES,
    seconds: float = TIME_LIMIT,
    progress: Progress = no_progress,
    after: Callable[[str, dict[str, str], str], str] | None = None,
) -> BenchOutcome:
    """Build a case's component and run the bench with every mixture of stalls.

    ``folder`` is the case's own; a simulation that is there already and was built from the same Verilog is used again. ``origin``, where
    given, stands for all that the component is made from: while it is the same, Verilog is not even generated. ``progress`` is called
    with the name of each step. ``after``, where given, makes other Verilog from the Verilog, its ROMs and the name of its top, synthesis
    say. Raises FirebrickError when Verilator or a compiler is missing.
    """
    start = time.monotonic()
    env = verilator.environment(OPTIMISATION)
    folder.mkdir(parents=True, exist_ok=True)
    log = (folder / "log").absolute()
    progress("generating")
    _make_ready(case, folder, origin, after)
    document = {name: [f"{payload:x}" for payload in payloads] for name, payloads in (("inputs", case.inputs), ("outputs", case.outputs))}
    (folder / "case.json").write_text(json.dumps(document | {"patience": patience, "settle": settle}))
    for left in ("measured.json", RESULTS, "log"):
        (folder / left).unlink(missing_ok=True)
    progress("running" if (folder / TOP).exists() else "building and running")
    try:
        command = [sys.executable, "-m", "firebrick.sim.cocotb_runner"]
        run_logged(command, folder, log, env=env, limit=seconds)
        complaint = _complaint(folder / RESULTS)
    except FirebrickError as error:
        complaint = str(error)
    measured = folder / "measured.json"
    cycles = {stalls: entry["cycles"] for stalls, entry in json.loads(measured.read_text()).items()} if measured.exists() else {}
    if not complaint and set(cycles) != set(STALLS):
        complaint = f"only {len(cycles)} of {len(STALLS)} tests were run; all that was printed is in {log}"
    return BenchOutcome(case.name, not complaint, cycles, complaint, time.monotonic() - start)


def _make_ready(case: BenchCase, folder: Path, origin: str, after: Callable[[str, dict[str, str], str], str] | None) -> None:
    """The Verilog, its ROMs and its ports, unless what is there was made from the same."""
    mark, origin_mark = folder / "key", folder / "origin"
    if origin and _says(mark) and _says(origin_mark) == origin:
        logger.info("bench %s: cached, same source code", case.name)
        return
    text, roms = to_verilog(case.component, TOP)
    if after is not None:
        text = after(text, roms, TOP)
    key = combined_hash(text, json.dumps(roms), OPTIMISATION, tool_versions())
    if _says(mark) == key:
        logger.info("bench %s: cached, same Verilog", case.name)
        origin_mark.write_text(origin)
        return
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / f"{TOP}.v").write_text(text)
    for name, contents in roms.items():
        (folder / name).write_text(contents)
    signals = ["clk", "rst", *(f"{stream}__{part}" for stream in ("input", "output") for part in ("valid", "ready", "payload"))]
    lines = [f'public_flat_rw -module "{TOP}" -var "{signal}"' for signal in signals]
    (folder / PORTS).write_text("\n".join(["`verilator_config", *lines, ""]))
    (folder / RUNTIME).write_text(str((folder.parent / f"runtime-{combined_hash(OPTIMISATION, tool_versions())}").absolute()))
    origin_mark.write_text(origin)
    mark.write_text(key)


def _says(mark: Path) -> str:
    return mark.read_text() if mark.exists() else ""


def _complaint(results: Path) -> str:
    """What the first failing test says, or nothing."""
    if not results.exists():
        return f"the simulation ended without results; all it printed is in {results.parent / 'log'}"
    tests = ElementTree.parse(results).getroot().iter("testcase")
    for test in tests:
        for fault in (*test.iter("failure"), *test.iter("error")):
            text = (fault.get("error_msg") or fault.get("message") or fault.text or "failed").strip().splitlines()[0]
            return f"{test.get('name', '').removeprefix('bench/')}: {text}"
    return ""
