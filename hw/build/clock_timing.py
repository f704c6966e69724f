# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How fast nextpnr's report says that a design's clocks may be, and how slow the paths are between those of fast lanes.

nextpnr names clocks after nets, which synthesis may rename, so a clock is known by its constraint: the closest to the one asked for from
below, as a PLL never makes more than it is asked for. Of several such clocks the slowest counts.

The clock of fast lanes has twice the frequency of the accelerator's, with its edges in step. nextpnr reports the paths between both, but
does not constrain them. Each begins at an edge of either clock and must end before the next edge of the fast one, half a slow period
later.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from ...sw.errors import FirebrickError

CONSTRAINT_TOLERANCE = 1e-4
"""Fraction by which a clock constraint may exceed the target and still be the accelerator's: constraint files round frequencies."""
CROSSING_MARGIN_NS = 0.6
"""By how much a path between the clocks must be shorter than half a period: an allowance for skew between two clock networks and for
jitter, of which nextpnr knows nothing."""

Timing = Mapping[str, Any]
"""nextpnr's report."""


class ClockTiming(TypedDict):
    """What nextpnr reports of a clock, in MHz."""

    constraint: float
    achieved: float


class DomainTiming(TypedDict):
    """One clock of a design, in MHz."""

    domain: str
    """Its clock domain, by the last part of the net's name; ``sync`` is the accelerator's."""
    net: str
    """nextpnr's name of it, which synthesis may have made."""
    constraint_mhz: float
    fmax_mhz: float


class CrossingTiming(TypedDict):
    """The slowest path from one clock to another."""

    source: str
    destination: str
    """Their domains, ``sync`` and ``fast``."""
    ns: float
    fmax_mhz: float
    """The accelerator's clock at which it ends ``CROSSING_MARGIN_NS`` before the next edge of the fast one."""


def accelerator_clock(timing: Timing, constraint_hz: float) -> ClockTiming:
    """The timing of the accelerator's clock, whose constraint is ``constraint_hz``, among all of a design."""
    clock: ClockTiming = timing["fmax"][_net(timing, constraint_hz)]
    return clock


def fmax_mhz(timing: Timing, constraint_hz: float, *, fast: bool = False) -> float:
    """The accelerator's clock, in MHz, at which its paths are met, and with ``fast`` lanes theirs and those between the clocks."""
    slow = accelerator_clock(timing, constraint_hz)["achieved"]
    if not fast:
        return slow
    crossings = (path["fmax_mhz"] for path in fast_crossings(timing, constraint_hz))
    return min(slow, fast_clock(timing, constraint_hz)["achieved"] / 2, *crossings)


def fast_clock(timing: Timing, constraint_hz: float) -> ClockTiming:
    """The timing of the clock of fast lanes; ``constraint_hz`` is the accelerator's."""
    return accelerator_clock(timing, 2 * constraint_hz)


def fast_crossings(timing: Timing, constraint_hz: float) -> list[CrossingTiming]:
    """The slowest paths between the accelerator's clock and that of its fast lanes, in either direction where there is one.

    Raises FirebrickError if there is none at all: the clocks have other names than they should, or nextpnr does not report paths
    between clocks.
    """
    domains = {_net(timing, constraint_hz): "sync", _net(timing, 2 * constraint_hz): "fast"}
    crossings = []
    for path in timing["critical_paths"]:
        source, destination = (path[end].split()[-1] for end in ("from", "to"))
        if {source, destination} == set(domains):
            ns = round(sum(step["delay"] for step in path["path"]), 3)
            fmax = round(1e3 / (2 * (ns + CROSSING_MARGIN_NS)), 3)
            crossings.append(CrossingTiming(source=domains[source], destination=domains[destination], ns=ns, fmax_mhz=fmax))
    if not crossings:
        raise FirebrickError("nextpnr reports no path between the clocks of the fast lanes; this is a bug, please report it")
    return crossings


def clock_domains(timing: Timing) -> list[DomainTiming]:
    """Every clock that nextpnr has timed."""
    return [
        DomainTiming(domain=_domain(net), net=net, constraint_mhz=round(clock["constraint"], 3), fmax_mhz=round(clock["achieved"], 3))
        for net, clock in timing["fmax"].items()
    ]


def failing_clocks(timing: Timing, constraint_hz: float, *, fast: bool = False) -> str:
    """The clocks, besides those that ``fmax_mhz`` is about, that miss their constraints, in words; empty if there are none."""
    own = [accelerator_clock(timing, constraint_hz), *([fast_clock(timing, constraint_hz)] if fast else [])]
    others = [clock for clock in timing["fmax"].values() if not any(clock is known for known in own)]
    failing = [clock for clock in others if clock["achieved"] < clock["constraint"]]
    return " and ".join(f"{clock['achieved']:.1f} MHz for {clock['constraint']:.1f}" for clock in failing)


def _domain(net: str) -> str:
    """``camera`` of ``$glbnet$camera.capture.camera_clk``: a clock's wire is named after its domain.

    That of ``sync`` is ``clk``, or ``clock`` of the clock generator.
    """
    name = net.rpartition(".")[2]
    return "sync" if name in ("clk", "clock") else name.removesuffix("_clk")


def _net(timing: Timing, constraint_hz: float) -> str:
    """The clock with a constraint, by nextpnr's name."""
    target = constraint_hz / 1e6

    def preference(net: str) -> tuple[bool, float, float]:
        clock: ClockTiming = timing["fmax"][net]
        above = clock["constraint"] > (1 + CONSTRAINT_TOLERANCE) * target
        return above, round(abs(clock["constraint"] - target), 1), clock["achieved"]

    nets: list[str] = list(timing["fmax"])
    return min(nets, key=preference)
