# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is read of clocks and of the paths between them from nextpnr's report, for designs with lanes at twice the clock."""

from typing import Any

import pytest

from firebrick.hw.build.clock_timing import CROSSING_MARGIN_NS, failing_clocks, fast_crossings, fmax_mhz
from firebrick.sw.errors import FirebrickError


def clock(constraint: float, achieved: float) -> dict[str, float]:
    return {"constraint": constraint, "achieved": achieved}


def path(source: str, destination: str, *delays: float) -> dict[str, Any]:
    return {"from": source, "to": destination, "path": [{"delay": delay} for delay in delays]}


def timing(slow: float = 90, fast: float = 170, to_fast: float = 2.0, to_slow: float = 1.0) -> dict[str, Any]:
    """A report of clocks of 75 and 150 MHz, and a third that is not met."""
    return {
        "fmax": {"clk": clock(75, slow), "fast_clk": clock(150, fast), "pixel_clk": clock(25, 24)},
        "critical_paths": [
            path("posedge clk", "posedge clk", 11.0),
            path("posedge fast_clk", "posedge fast_clk", 5.9),
            path("<async>", "posedge fast_clk", 30.0),
            path("posedge clk", "posedge fast_clk", to_fast / 2, to_fast / 2),
            path("posedge fast_clk", "posedge clk", to_slow),
            path("posedge pixel_clk", "posedge clk", 40.0),
        ],
    }


def test_fmax_is_that_of_the_slowest_of_both_clocks_and_the_paths_between_them() -> None:
    assert fmax_mhz(timing(), 75e6) == 90
    assert fmax_mhz(timing(), 75e6, fast=True) == 85, "half of 170"
    assert fmax_mhz(timing(fast=190), 75e6, fast=True) == 90
    for slow_path in ("to_fast", "to_slow"):
        crossing_fmax = fmax_mhz(timing(**{slow_path: 6.2}), 75e6, fast=True)
        assert crossing_fmax == pytest.approx(500 / (6.2 + CROSSING_MARGIN_NS), rel=1e-4)
        assert crossing_fmax < 75, "6.2 ns are less than half a period, but not by the margin"


def test_crossings_are_reported_in_either_direction() -> None:
    assert [(crossing["source"], crossing["destination"], crossing["ns"]) for crossing in fast_crossings(timing(), 75e6)] == [
        ("sync", "fast", 2.0),
        ("fast", "sync", 1.0),
    ]


def test_a_report_without_crossings_is_not_taken_for_one_that_meets_them() -> None:
    report = timing()
    report["critical_paths"] = report["critical_paths"][:2]
    with pytest.raises(FirebrickError, match="no path between the clocks"):
        fmax_mhz(report, 75e6, fast=True)


def test_other_clocks_must_meet_their_own_constraints() -> None:
    assert failing_clocks(timing(fast=140), 75e6, fast=True) == "24.0 MHz for 25.0", "that of the fast lanes is part of Fmax"
    assert failing_clocks(timing(fast=140), 75e6) == "140.0 MHz for 150.0 and 24.0 MHz for 25.0"
