# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The ports of the core's wrapper: the one list from which its Verilog, its documentation and its IP-XACT description are made."""

from collections.abc import Sequence
from dataclasses import dataclass

SCORE_BITS = 32
"""Bits of a score at the wrapper, whatever the model needs; see `score_bits`."""


@dataclass(frozen=True)
class Port:
    """A port of a Verilog module."""

    name: str
    direction: str
    """``in`` or ``out``."""
    width: int
    description: str

    @property
    def declaration(self) -> str:
        """The declaration in the port list of the module."""
        bits = f"[{self.width - 1}:0] " if self.width > 1 else ""
        return f"{self.direction}put wire {bits}{self.name}"


def stream_ports(bits: int) -> Sequence[Port]:
    """The ports of ``firebrick_stream``, in the order of its port list. They are the same for every model with scores of ``bits`` bits."""
    return (
        Port("clk", "in", 1, "clock; everything happens at its rising edge"),
        Port("rst", "in", 1, "synchronous reset, active high; hold it for two cycles at least"),
        Port("pixel_valid", "in", 1, "`pixel_data` is offered"),
        Port("pixel_ready", "out", 1, "`pixel_data` is taken in this cycle if it is offered"),
        Port("pixel_data", "in", 8, "one byte of a picture: a channel of a pixel, 0 to 255"),
        Port("score_valid", "out", 1, "`score_data` and `score_last` are offered"),
        Port("score_ready", "in", 1, "they are taken in this cycle if they are offered"),
        Port("score_data", "out", bits, "the score of one class"),
        Port("score_last", "out", 1, "this score is the last one of its picture"),
        Port("busy", "out", 1, "at least one multiplier begins a product in this cycle; for power estimates and activity LEDs"),
    )


def score_bits(bits: int) -> int:
    """Bits of a score at the wrapper: 32, or 64 where a model's scores of ``bits`` bits need more."""
    return SCORE_BITS if bits <= SCORE_BITS else 2 * SCORE_BITS
