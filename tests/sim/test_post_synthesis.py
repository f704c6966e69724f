# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A Fire module after synthesis, with back-pressure, compared with the golden model."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from firebrick.sim.bench_cases import bench_cases
from firebrick.sim.bench_runner import run_case
from firebrick.sim.post_synthesis import post_synthesis_verilog
from firebrick.sw.zoo import catalogue


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("pyosys"), reason="needs the extra `bitstream`")
def test_fire_module_after_synthesis_equals_the_golden_model(tmp_path: Path) -> None:
    """On three photographs, with LUTs, carry chains, block RAMs and multipliers as Yosys leaves them and mostly its own models of cells."""
    case = bench_cases(catalogue.load(catalogue.DEFAULT))["fire_unequal"]()
    outcome = run_case(case, tmp_path / case.name, transform=post_synthesis_verilog)
    assert outcome.passed, outcome.failure
    assert "TRELLIS_FF" in (tmp_path / case.name / "bench.v").read_text()
