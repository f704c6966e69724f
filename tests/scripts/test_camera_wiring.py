# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The wiring of a camera in the documentation is that of the boards."""

import runpy
from importlib.util import find_spec
from typing import Any

import pytest

from tests.helpers.paths import ROOT

pytestmark = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "camera_wiring.py"))


def test_table_and_drawing_are_up_to_date(script: dict[str, Any]) -> None:
    page = script["PAGE"].read_text()
    assert script["written"](page) == page
    assert script["drawing"]() == script["DRAWING"].read_text()


def test_clock_of_a_ulx3s_is_at_the_pin_with_a_way_to_a_clock_network(script: dict[str, Any]) -> None:
    assert "| PLK, PCLK | `pclk` | to the FPGA | gp1 (A10) |" in script["table"]()
    assert "| VS, VSYNC | `vsync` | to the FPGA | gp2 (A9) |" in script["table"]()
