# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""FPGA families: how their LUTs, block RAMs and multipliers differ from those of an ECP5."""

from dataclasses import dataclass, replace

Shapes = tuple[tuple[int, int], ...]
"""Pairs of depth and width that one block RAM can be configured to."""


@dataclass(frozen=True)
class Fabric:
    """The look-up tables, block RAMs and multipliers of a family."""

    block_ram_shapes: Shapes
    lut_inputs: int = 4
    max_lut_fraction: float = 0.78
    """Fraction of the LUTs that a plan may use: beyond it routes get long, and finally routing fails. From builds of full devices."""
    lut_factor: float = 1.0
    """LUTs for each LUT of an ECP5 that the same logic takes; logic cells where a LUT and a flip-flop form one cell."""
    read_ports: int = 2
    """Read ports of a block RAM; with a single one, the ROM bank in which two lists meet is stored twice."""
    lut_ram: bool = True
    """LUTs can be RAM (distributed RAM); otherwise FIFOs and accumulators lie in block RAM."""
    multiplier_luts: int = 0
    """LUTs (of an ECP5) of a multiplier in a family without hard multipliers; 0 in a family with them."""
    lut_multiplier_luts: int = 0
    """Extra LUTs of a lane with a LUT multiplier of up to 9 bits, which a plan may use in addition to hard ones; 0: never used."""
    multipliers_per_lut_multiplier: int = 10
    """Multipliers for each LUT multiplier that a plan may have: at one clock more would mostly wait for other engines."""
    fast_lanes: bool = False
    """The device has a clock of twice the frequency for the lanes of some engines (``EngineConfig.fast``)."""
    lut_rom_bits: tuple[int, ...] = (4 * 1024, 8 * 1024, 12 * 1024)
    """Limits to try for the bits of a ROM's last bank that are made a LUT ROM. Larger LUT ROMs would limit the clock."""

    @property
    def block_ram_bits(self) -> int:
        """Bits of a block RAM."""
        return max(depth * width for depth, width in self.block_ram_shapes)

    def with_fast_lanes(self) -> "Fabric":
        """The same with a second clock of twice the frequency: fast lanes leave LUTs for more multipliers of the others."""
        return replace(self, fast_lanes=True, multipliers_per_lut_multiplier=3)

    def rom_block_rams(self, bits: int, shared: int) -> int:
        """Block RAMs of a ROM of this many bits, of which ``shared`` lie in a bank that two lists are read from."""
        return -(-(bits + (shared if self.read_ports == 1 else 0)) // self.block_ram_bits)


def _shapes(max_depth: int, *widths: int) -> Shapes:
    """One shape for each width, each half as deep as the one before."""
    return tuple((max_depth >> step, width) for step, width in enumerate(widths))


# LUT factors compare what Yosys makes of the same plans with an ECP5.
ECP5 = Fabric(_shapes(16384, 1, 2, 4, 9, 18, 36), lut_multiplier_luts=92)
ECP5_FAST = ECP5.with_fast_lanes()
"""An ECP5 whose PLL makes a second clock of twice the frequency."""
GOWIN = Fabric(_shapes(16384, 1, 2, 4, 9, 18, 36), lut_factor=1.03)
ICE40 = Fabric(
    _shapes(2048, 2, 4, 8, 16), max_lut_fraction=0.95, lut_factor=1.75, read_ports=1, lut_ram=False, lut_rom_bits=(256, 512, 1024, 2048)
)
ICE40_PLAIN = replace(ICE40, multiplier_luts=140)
"""An iCE40 without multipliers."""
XILINX = Fabric(_shapes(16384, 1, 2, 4, 9, 18, 36), lut_inputs=6, lut_factor=0.75)
INTEL_ALM = Fabric(_shapes(8192, 1, 2, 5, 10, 20, 40), lut_inputs=6, lut_factor=0.8)
INTEL = Fabric(_shapes(8192, 1, 2, 4, 9, 18, 36), lut_factor=1.2)
MACHXO = Fabric(_shapes(8192, 1, 2, 4, 9, 18), multiplier_luts=290)
"""The Lattice family with the logic of an ECP5 and block RAMs of half the size."""
