# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The clock crossings of the display are the known ones."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from amaranth.back import rtlil

from firebrick.hw.display.display import Display
from firebrick.hw.verify.clock_crossings import NO_CLOCK, Crossing
from firebrick.sim.display.simulation import DisplayTop
from tests.helpers.clock_crossings import crossings_of
from tests.helpers.displays import global_sum, settings

pytestmark = pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")
KNOWN = (
    ("pixel_clk", "clk", r".*request_synchroni[sz]er\.stage0"),
    ("clk", "pixel_clk", r".*answer_synchroni[sz]er\.stage0"),
    ("pixel_clk", "tmds_clk", r".*toggle_synchroni[sz]er\.stage0"),
    ("pixel_clk", "tmds_clk", r"(.*rest_[012]|tmds\$\d+.*)"),  # away from the edges, as the serialiser sees to
)
"""Source and destination clock, and register."""
HELD = r"display\.(handover\.)?(held|screen)(\..*)?"
"""What is constant while it is read: any register of the formatter may take it."""
INPUTS = r"(score|score_taken|frame_good|frame_started|dropped|camera_found)"


def plain(crossing: Crossing) -> Crossing:
    """A crossing without the numbers that make names unique."""
    source, destination, register, *drivers = (
        re.sub(r"(?<=[a-z])\$\d+$", "", name) for name in (crossing.source, crossing.destination, crossing.register, *crossing.drivers)
    )
    return Crossing(source, destination, register, tuple(drivers))


def test_display_has_no_clock_crossing_but_the_known_ones(tmp_path: Path) -> None:
    spec = global_sum(3)
    top = DisplayTop(display=Display(settings=settings(names=("a", None, "c"), led_class=0), global_sum=spec, frequency=1e6))
    crossings = crossings_of(rtlil.convert(top, platform=None), tmp_path)
    seen = set()
    for crossing in map(plain, crossings):
        if crossing.source == NO_CLOCK:
            assert all(re.match(INPUTS, driver) for driver in crossing.drivers), crossing
            continue
        if (crossing.source, crossing.destination) == ("clk", "pixel_clk") and all(re.fullmatch(HELD, name) for name in crossing.drivers):
            continue
        matches = [
            known for known in KNOWN if known[:2] == (crossing.source, crossing.destination) and re.fullmatch(known[2], crossing.register)
        ]
        assert matches, crossing
        seen.update(matches)
    assert seen == set(KNOWN)
