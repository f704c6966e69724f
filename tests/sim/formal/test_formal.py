# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The checker of proofs, on proofs that fail in every way that a proof can fail."""

import os
from pathlib import Path

import pytest
from amaranth.hdl import ClockDomain, Signal

from firebrick.hw.stream import skid_buffer
from firebrick.sim.formal.bench import Bench
from firebrick.sim.formal.catalogue import PROOFS, choose
from firebrick.sim.formal.check import Checker
from firebrick.sim.formal.proof import Engine, Fault, Proof, planted
from firebrick.sim.formal.sby import Status
from firebrick.sw.errors import FirebrickError

FAULT = Fault(skid_buffer, "spare_full.eq(0)]", "spare_full.eq(1)]")


def counter(bench: Bench) -> None:
    """A counter that can be stopped stays below 4."""
    value = Signal(3)
    with bench.m.If(bench.free(1, "go")):
        bench.m.d.sync += value.eq((value + 1)[:2])
    bench.ensure(value < 4, "it wraps")
    bench.reaches(value == 3)


def test_a_proof_holds_and_its_false_property_fails(tmp_path: Path) -> None:
    result = Checker(tmp_path).check(Proof("counter", counter, (FAULT,)))
    assert result.outcome.status is Status.PASS
    assert result.false_property is not None
    assert result.false_property.status is Status.FAIL
    assert not result.problems


def test_the_solver_of_an_environment_that_is_not_active_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(["/usr/bin", "/bin"]))  # as under make, which calls the environment's python by its path
    result = Checker(tmp_path).check(Proof("counter", counter, (FAULT,), engine=Engine.INDUCTION))
    assert not result.problems


@pytest.mark.parametrize("engine", [Engine.PDR, Engine.INDUCTION])
def test_a_proof_whose_assumptions_exclude_everything_is_vacuous(tmp_path: Path, engine: Engine) -> None:
    def vacuous(bench: Bench) -> None:
        counter(bench)
        bench.assume(bench.free(1, "go_too") & 0, "nothing is allowed")

    result = Checker(tmp_path).check(Proof("vacuous", vacuous, (FAULT,), engine=engine))
    assert len(result.problems) == 1
    assert (
        "vacuous" in result.problems[0] or "unsatisfiable" in result.problems[0]
    )  # smtbmc finds assumptions that exclude everything itself


def test_a_design_without_its_clock_is_vacuous(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_a_port(bench: Bench, name: str) -> None:
        bench.m.domains += ClockDomain(name, reset_less=True)

    monkeypatch.setattr(Bench, "clock", without_a_port)
    result = Checker(tmp_path).check(Proof("counter", counter, (FAULT,)))
    assert [problem.split(":")[0] for problem in result.problems] == ["vacuous"]


def test_a_refuted_property_names_the_line_and_leaves_a_trace(tmp_path: Path) -> None:
    def wrong(bench: Bench) -> None:
        value = Signal(3)
        bench.m.d.sync += value.eq(value + bench.free(1, "go"))
        bench.ensure(value < 4, "it does not wrap")

    result = Checker(tmp_path).check(Proof("wrong", wrong, (FAULT,)))
    assert len(result.problems) == 1
    assert "not proven (FAIL)" in result.problems[0]
    assert "test_formal.py" in result.problems[0]
    assert (tmp_path / "wrong/proof/run/engine_0/trace.vcd").exists()


def test_a_planted_fault_is_undone() -> None:
    source = skid_buffer.SkidBuffer.elaborate.__code__
    with planted(FAULT):
        assert skid_buffer.SkidBuffer.elaborate.__code__ != source
    assert skid_buffer.SkidBuffer.elaborate.__code__ is source


def test_a_fault_that_is_not_in_the_source_is_refused() -> None:
    with pytest.raises(ValueError, match="must have this text once, not 0 times"), planted(Fault(skid_buffer, "no such line", "")):
        pass


def test_every_proof_has_its_own_name_a_sentence_and_faults_that_are_in_the_source() -> None:
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)
    for proof in PROOFS:
        assert proof.sentence.endswith("."), proof.name
        for fault in proof.faults:
            with planted(fault):
                pass


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FirebrickError, match=r"no proof named nothing; the proofs are skid_buffer"):
        choose(["nothing"])
