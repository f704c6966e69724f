# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The proofs can fail: each is lost when one of its faults is planted. That they hold is what `make formal` shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from firebrick.sim.formal.catalogue import PROOFS
from firebrick.sim.formal.check import Checker
from firebrick.sim.formal.proof import Fault, Proof
from firebrick.sim.formal.sby import Status
from tests.helpers.paths import ROOT

QUICK = {"skid_buffer-0", "mac_array_credit-0", "packet_buffer_16-0"}
"""Faults that every run of the tests plants: one for each engine, and one in a component with a memory."""


def cases() -> Iterator[object]:
    for proof in PROOFS:
        for number, fault in enumerate(proof.faults):
            name = f"{proof.name}-{number}"
            yield pytest.param(proof, fault, id=name, marks=[] if name in QUICK else [pytest.mark.slow])


@pytest.mark.parametrize(("proof", "fault"), list(cases()))
def test_a_planted_fault_loses_the_proof(tmp_path: Path, proof: Proof, fault: Fault) -> None:
    assert Checker(tmp_path).refute(proof, fault).status is Status.FAIL


def test_the_page_has_a_current_row_for_every_quick_proof() -> None:
    lines = [line for line in (ROOT / "docs/verification.md").read_text().splitlines() if line.startswith("| `")]
    rows = {line.split("`")[1]: [cell.strip() for cell in line.split("|")[2:7]] for line in lines}
    known = {proof.name: [proof.sentence, proof.size, proof.bound, proof.engine, str(len(proof.faults))] for proof in PROOFS}
    assert {proof.name for proof in PROOFS if proof.quick} <= rows.keys() <= known.keys()
    assert rows == {name: known[name] for name in rows}
