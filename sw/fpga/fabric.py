# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What families of FPGAs are made of, as far as the same engines take more or less of it than of an ECP5."""

from dataclasses import dataclass, replace

Widths = tuple[tuple[int, int], ...]
"""Depths and widths that one block RAM can have."""


@dataclass(frozen=True)
class Fabric:
    """The look-up tables, block RAMs and multipliers of a family."""

    block_ram_shapes: Widths
    lut_inputs: int = 4
    max_lut_fraction: float = 0.78
    """Share of the LUTs that a plan may take: beyond it, wires grow long, and in the end routing finds no way."""
    lut_factor: float = 1.0
    """LUTs (logic cells, where a LUT and a flip-flop are one) by those of an ECP5 that the same logic takes."""
    read_ports: int = 2
    """Ports of a block RAM that can read; with one, what two lists in one ROM share is kept twice."""
    lut_ram: bool = True
    """LUTs can be memory; where they cannot, queues and sums lie in block RAM."""
    multiplier_luts: int = 0
    """LUTs of an ECP5 that a multiplier would take, in a family that has none; 0 in one that has."""
    lut_multiplier_luts: int = 0
    """LUTs that a lane takes more with a soft multiplier, of at most 9 bits; a plan may have some besides its multipliers; 0: never."""
    lut_rom_bits: tuple[int, ...] = (4 * 1024, 8 * 1024, 12 * 1024)
    """Up to how many bits the last bank of a ROM may be logic: what is tried. More would limit the clock."""

    @property
    def block_ram_bits(self) -> int:
        """Bits of a block RAM."""
        return max(deep * wide for deep, wide in self.block_ram_shapes)

    def rom_block_rams(self, bits: int, shared: int) -> int:
        """Block RAMs of a ROM of so many bits, so many of which lie where two lists are read."""
        return -(-(bits + (shared if self.read_ports == 1 else 0)) // self.block_ram_bits)


def _widths(deepest: int, *widths: int) -> Widths:
    """Each width half as deep as the one before."""
    return tuple((deepest >> step, width) for step, width in enumerate(widths))


ECP5 = Fabric(_widths(16384, 1, 2, 4, 9, 18, 36), lut_multiplier_luts=92)
GOWIN = Fabric(_widths(16384, 1, 2, 4, 9, 18, 36), lut_factor=1.03)
ICE40 = Fabric(
    _widths(2048, 2, 4, 8, 16), max_lut_fraction=0.95, lut_factor=1.75, read_ports=1, lut_ram=False, lut_rom_bits=(256, 512, 1024, 2048)
)
ICE40_PLAIN = replace(ICE40, multiplier_luts=140)
"""An iCE40 without multipliers."""
XILINX = Fabric(_widths(16384, 1, 2, 4, 9, 18, 36), lut_inputs=6, lut_factor=0.75)
INTEL_ALM = Fabric(_widths(8192, 1, 2, 5, 10, 20, 40), lut_inputs=6, lut_factor=0.8)
INTEL = Fabric(_widths(8192, 1, 2, 4, 9, 18, 36), lut_factor=1.2)
MACHXO = Fabric(_widths(8192, 1, 2, 4, 9, 18), multiplier_luts=290)
"""The Lattice family with the logic of an ECP5 and block RAMs of half the size."""
