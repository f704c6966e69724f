# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Engines after synthesis, with back-pressure, compared with the golden model."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from firebrick.sim.bench_cases import bench_cases
from firebrick.sim.bench_runner import run_case
from firebrick.sim.post_synthesis import post_synthesis_verilog
from firebrick.sw.zoo import catalogue


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("pyosys"), reason="needs the extra `bitstream`")
@pytest.mark.parametrize("name", ["fire_unequal", "conv_fast"])
def test_engines_after_synthesis_equal_the_golden_model(name: str, tmp_path: Path) -> None:
    """On three frames, with LUTs, carry chains, block RAMs and multipliers as Yosys leaves them and mostly its own models of cells.

    At twice the clock the registers are inside block RAMs and multipliers.
    """
    case = bench_cases(catalogue.load(catalogue.DEFAULT))[name]()
    made: list[str] = []

    def synthesised(text: str, roms: dict[str, str], top: str) -> str:
        made.append(post_synthesis_verilog(text, roms, top, fast=case.fast))
        return made[0]

    outcome = run_case(case, tmp_path / case.name, transform=synthesised)
    assert outcome.passed, outcome.failure
    [verilog] = made
    assert "TRELLIS_FF #(" in verilog
    assert ('.REGMODE_B("OUTREG")' in verilog, '.REG_PIPELINE_CLK("CLK0")' in verilog) == (case.fast, case.fast)
