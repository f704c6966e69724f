# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The proofs can fail: each is lost when one of its faults is planted. That they hold is what `make formal` shows."""

from pathlib import Path

import pytest

from firebrick.sim.formal.catalogue import PROOFS
from firebrick.sim.formal.check import Checker
from firebrick.sim.formal.proof import Fault, Proof
from firebrick.sim.formal.sby import Status

CASES = [pytest.param(proof, fault, id=f"{proof.name}-{number}") for proof in PROOFS for number, fault in enumerate(proof.faults)]


@pytest.mark.slow
@pytest.mark.parametrize(("proof", "fault"), CASES)
def test_a_planted_fault_loses_the_proof(tmp_path: Path, proof: Proof, fault: Fault) -> None:
    assert Checker(tmp_path).refute(proof, fault).status is Status.FAIL
