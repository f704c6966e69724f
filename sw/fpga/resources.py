# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Resources of an FPGA: what a device has or a design uses."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Resources:
    """LUTs, block RAMs and multipliers: available, or used."""

    luts: int = 0
    """Look-up tables, including those in carry chains and distributed RAM; they have 4 inputs in an ECP5."""
    block_rams: int = 0
    """Memories of 18 kbit in an ECP5, of 4 to 20 kbit in other families."""
    multipliers: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.luts + other.luts, self.block_rams + other.block_rams, self.multipliers + other.multipliers)

    def __mul__(self, count: int) -> "Resources":
        return Resources(self.luts * count, self.block_rams * count, self.multipliers * count)


def total(nodes: dict[str, Resources]) -> Resources:
    """The sum over all nodes."""
    return sum(nodes.values(), Resources())


def deficit(available: Resources, needed: Resources) -> str:
    """A phrase that names each resource that does not suffice, with the numbers; empty if everything fits."""
    have, need = asdict(available), asdict(needed)
    words = {"luts": "LUTs", "block_rams": "block RAMs", "multipliers": "multipliers"}
    return " and ".join(f"{need[kind]:,} {words[kind]} of {have[kind]:,}" for kind in have if need[kind] > have[kind])
