# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Resources of an FPGA: what a device has, or what a design uses."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Resources:
    """Parts of an FPGA: what there is, or what something takes."""

    luts: int = 0
    """Look-up tables, those that carry chains and distributed RAM take among them; of 4 inputs in an ECP5."""
    block_rams: int = 0
    """Memories of 18 kbit in an ECP5, of 4 to 20 in other families."""
    multipliers: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.luts + other.luts, self.block_rams + other.block_rams, self.multipliers + other.multipliers)


def total(parts: dict[str, Resources]) -> Resources:
    """The sum of all parts."""
    return sum(parts.values(), Resources())


def deficit(available: Resources, needed: Resources) -> str:
    """What is missing and how much of it, in words; empty where everything fits."""
    have, need = asdict(available), asdict(needed)
    words = {"luts": "LUTs", "block_rams": "block RAMs", "multipliers": "multipliers"}
    return " and ".join(f"{need[kind]:,} {words[kind]} of {have[kind]:,}" for kind in have if need[kind] > have[kind])
