# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What nextpnr's router2 prints as it goes, one line a round."""

import re

MAX_TIMING_ROUNDS = 150
"""Rounds after which rip-up for timing is given up. Designs that meet their clock took 19 to 43 so far, on all sizes of ECP5."""
_ROUND = re.compile(r"iter=(\d+) .*\btmgfail=(\d+)")


def timing_does_not_converge(lines: str) -> bool:
    """Whether router2, with ``--tmg-ripup``, is past the rounds in which a clock is met, and still misses it.

    It rips up the wires that miss the clock in every round, and ends only once none does or, with an error, after a thousand rounds. So a
    clock that cannot be met would end in an error in place of a result with its Fmax.
    """
    rounds = _ROUND.findall(lines)
    return bool(rounds) and int(rounds[-1][0]) >= MAX_TIMING_ROUNDS and int(rounds[-1][1]) > 0


def clock_pin_advice(message: str) -> str:
    """Advice to add to an error message of nextpnr if it failed to route a clock from its pin; otherwise empty."""
    if not re.search(r"Failed to route arc .* to \S*CLKI", message):
        return ""
    return "; a clock should come in at a pin with a wire of its own to a global clock buffer (PCLK in the FPGA's pin table)"
