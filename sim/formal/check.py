# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checking proofs: that each holds, that it is not vacuous, and that planted faults lose it."""

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...sw.errors import FirebrickError
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


class Checker:
    """Checks proofs in one folder; the designs, logs and traces of all runs are in subfolders of it.

    Every method raises FirebrickError if the tools are missing.
    """

    def __init__(self, folder: Path, *, timeout: int = 600) -> None:
        self._folder = folder
        self._timeout = timeout
        self._stopped = threading.Event()

    def check(self, proof: Proof, *, faults: bool = False) -> Result:
        """Prove it, let a false property fail, and, if asked for, plant each of its faults."""
        shutil.rmtree(self._folder / proof.name, ignore_errors=True)
        result = Result(proof, self._run(proof, "proof"))
        if result.outcome.status is Status.PASS:
            result.false_property = self._run(proof, "false_property", negate=True)
            result.faults = [(fault, self.refute(proof, fault)) for fault in (proof.faults if faults else ())]
        return result

    def refute(self, proof: Proof, fault: Fault) -> Outcome:
        """Look for a counterexample to the proof in a component with a fault."""
        return self._run(proof, f"fault_{proof.faults.index(fault)}", fault=fault)

    def check_all(self, proofs: Sequence[Proof], *, faults: bool = False, jobs: int = 1, progress: Progress = no_progress) -> list[Result]:
        """``check`` of each proof, ``jobs`` at a time. An error or an interrupt ends those that are running, and is raised."""
        with ThreadPoolExecutor(jobs) as pool:
            running = [pool.submit(self.check, proof, faults=faults) for proof in proofs]
            waiting = set(running)
            try:
                while waiting:
                    progress("proofs", len(running) - len(waiting), len(running))
                    done, waiting = wait(waiting, PROGRESS_INTERVAL, FIRST_COMPLETED)
                    for future in done:
                        future.result()
            except BaseException:
                self._stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            progress("proofs", len(running), len(running))
            return [future.result() for future in running]

    def _run(self, proof: Proof, name: str, *, negate: bool = False, fault: Fault | None = None) -> Outcome:
        with _one_design_at_a_time:
            design = proof.rtlil(negate=negate, fault=fault)
        folder, refute = self._folder / proof.name / name, name != "proof"
        return run_sby(proof, design, folder, refute=refute, timeout=self._timeout, on_poll=self._stop_when_asked)

    def _stop_when_asked(self, _seconds: float) -> None:
        if self._stopped.is_set():
            raise FirebrickError("the proofs were interrupted")


def _fails_as_it_should(outcome: Outcome) -> bool:
    """Whether it is the false property that failed: that of the bench."""
    return outcome.status is Status.FAIL and outcome.complaint.startswith(shortened(bench.__file__))
