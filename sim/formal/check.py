# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checking proofs: that each holds, that it is not vacuous, and that planted faults lose it."""

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...sw.utils.progress import Progress, no_progress
from . import bench
from .proof import Fault, Proof
from .sby import Outcome, Status, run_sby, shortened

PROGRESS_INTERVAL = 1.0
"""Seconds between two progress messages."""
_one_design_at_a_time = threading.Lock()
"""A planted fault changes the code of a component for all threads."""


@dataclass
class Result:
    """What was found of a proof."""

    proof: Proof
    outcome: Outcome
    false_property: Outcome | None = None
    """Of a false property under the same assumptions: it must fail."""
    faults: list[tuple[Fault, Outcome]] = field(default_factory=list)
    """Those that were planted, and what became of the proof."""

    @property
    def problems(self) -> list[str]:
        """All that is wrong, each in a sentence; empty if the proof holds, and fails when it should."""
        found = []
        if self.outcome.status is not Status.PASS:
            found.append(f"not proven ({self.outcome.status}): {self.outcome.complaint or 'no counterexample'}")
        if self.false_property and not _fails_as_it_should(self.false_property):
            found.append(f"vacuous: a false property did not fail ({self.false_property.status} {self.false_property.complaint})")
        for fault, outcome in self.faults:
            if outcome.status is not Status.FAIL:
                found.append(f"a fault was not found ({outcome.status}): `{fault.wrong}` in {fault.module.__name__}")
        return found

    @property
    def seconds(self) -> float:
        """Of all runs together."""
        extra = [self.false_property] if self.false_property else []
        return round(sum(run.seconds for run in (self.outcome, *extra, *(run for _, run in self.faults))), 1)

    def to_json(self) -> dict[str, Any]:
        """As a JSON document."""
        proof = self.proof
        return {
            "name": proof.name,
            "property": proof.sentence,
            "size": proof.size,
            "bound": proof.bound,
            "engine": proof.engine,
            **asdict(self.outcome),
            "false_property": self.false_property and asdict(self.false_property),
            "faults": [{"module": fault.module.__name__, "wrong": fault.wrong, **asdict(outcome)} for fault, outcome in self.faults],
            "problems": self.problems,
        }


def check(proof: Proof, folder: Path, *, faults: bool = False, timeout: int = 600) -> Result:
    """Prove it, let a false property fail, and, if asked for, plant each of its faults.

    The designs, logs and traces of all runs are in subfolders of ``folder``. Raises FirebrickError if the tools are missing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    result = Result(proof, run_sby(proof, _design(proof), folder / "proof", timeout=timeout))
    if result.outcome.status is Status.PASS:
        result.false_property = run_sby(proof, _design(proof, negate=True), folder / "false_property", refute=True, timeout=timeout)
        for number, fault in enumerate(proof.faults if faults else ()):
            result.faults.append((fault, refute(proof, fault, folder / f"fault_{number}", timeout=timeout)))
    return result


def refute(proof: Proof, fault: Fault, folder: Path, *, timeout: int = 600) -> Outcome:
    """Look for a counterexample to the proof in a component with a fault."""
    return run_sby(proof, _design(proof, fault=fault), folder, refute=True, timeout=timeout)


def check_all(
    proofs: Sequence[Proof],
    folder: Path,
    *,
    faults: bool = False,
    jobs: int = 1,
    timeout: int = 600,
    progress: Progress = no_progress,
) -> list[Result]:
    """``check`` of each proof, ``jobs`` at a time. Raises the first error, after the running ones have ended."""
    with ThreadPoolExecutor(jobs) as pool:
        running: list[Future[Result]] = [pool.submit(check, proof, folder / proof.name, faults=faults, timeout=timeout) for proof in proofs]
        waiting = set(running)
        try:
            while waiting:
                progress("proofs", len(running) - len(waiting), len(running))
                done, waiting = wait(waiting, PROGRESS_INTERVAL, FIRST_COMPLETED)
                for future in done:
                    future.result()
        finally:
            for future in waiting:
                future.cancel()
        progress("proofs", len(running), len(running))
        return [future.result() for future in running]


def _design(proof: Proof, *, negate: bool = False, fault: Fault | None = None) -> str:
    with _one_design_at_a_time:
        return proof.rtlil(negate=negate, fault=fault)


def _fails_as_it_should(outcome: Outcome) -> bool:
    """Whether it is the false property that failed: that of the bench."""
    return outcome.status is Status.FAIL and outcome.complaint.startswith(shortened(bench.__file__))
