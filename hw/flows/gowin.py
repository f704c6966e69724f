# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Gowin LittleBee and Arora: Yosys, nextpnr-himbaechel for Gowin, gowin_pack of Apicula."""

from collections.abc import Mapping
from typing import Any, ClassVar

from amaranth.hdl import Const, Instance, Signal

from ..module_names import TOP
from .base import CellCosts, OpenFlow, PlacedCell, synthesise_in_halves
from .clock_generator import ClockGenerator, ClockWithReset, passthrough_settings
from .options import Options
from .pll import PllLimits, PllSettings, pll_settings

PLL_DIVIDERS = (range(1, 65), range(1, 65), (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128))
PLL_LIMITS = {
    "GW1NR-9C": PllLimits((400e6, 1200e6), (3e6, 400e6), *PLL_DIVIDERS),
    "GW2A-18C": PllLimits((500e6, 1250e6), (3e6, 500e6), *PLL_DIVIDERS),
}
"""The rPLL by device, from the data sheets."""
TIED_OFF = {"RESET": 1, "RESET_P": 1, "CLKFB": 1, "FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "PSDA": 4, "DUTYDA": 4, "FDLY": 4}
"""Inputs of the rPLL that would change its settings at run time, and their widths: tied to 0."""


class GowinFlow(OpenFlow):
    """The flow of Gowin's FPGAs: plain LUTs, without carry chains (-noalu) and wide multiplexers (-nowidelut).

    A flip-flop shares a slice only with the LUT that feeds it. Carry chains and multiplexers separate more flip-flops from their LUTs, so
    that slices run out before LUTs do, and nextpnr takes long to find places.
    """

    tools = "nextpnr-himbaechel"
    frequency = 54e6  # twice the boards' 27 MHz; the digits network meets it, see the table in docs/boards.md
    frequency_by_grade: ClassVar[Mapping[str, float]] = {"GW2A-18C": 81e6}  # three times 27 MHz, likewise
    cell_costs = CellCosts(
        luts={"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "RAM16SDP4": 6},
        block_rams={"SP": 1, "SPX9": 1, "SDPB": 1, "SDPX9B": 1, "DPB": 1, "DPX9B": 1, "pROM": 1, "pROMX9": 1},
        multipliers={"MULT9X9": 0.5, "MULT18X18": 1},  # an 18x18 block is two of 9x9
    )
    placed_cells = (
        PlacedCell("LUTs", "LUT4", "luts"),
        PlacedCell("flip-flops", "DFF"),
        PlacedCell("distributed RAMs of 16 x 4 bits", "RAM16SDP4"),
        PlacedCell("block RAMs", "BSRAM", "block_rams"),
        PlacedCell("multipliers of 18 x 18 bits", "MULT18X18", "multipliers"),
        PlacedCell("multipliers of 9 x 9 bits", "MULT9X9"),
    )
    constraints = f"{TOP}.cst"
    nextpnr = "nextpnr-himbaechel-gowin"
    routed = f"{TOP}.routed.json"
    packer = "gowin_pack"
    bitstream = f"{TOP}.fs"

    def synthesis(self, platform: Any) -> str:
        family = "gw2a" if platform.family.startswith("GW2A") else "gw1n"
        return synthesise_in_halves(f"synth_gowin -top {TOP} -family {family} -no-rw-check -noiopads -nowidelut -noalu")

    def clock_settings(self, platform: Any, frequency: float) -> PllSettings:
        board_hz = platform.default_clk_frequency
        return passthrough_settings(board_hz, frequency) or pll_settings(board_hz, frequency, PLL_LIMITS[platform.family])

    def clock_generator(self, platform: Any, settings: PllSettings) -> ClockGenerator:
        def make_pll(settings: PllSettings, source: Signal, clock: Signal, locked: Signal) -> Instance:
            return Instance(
                "rPLL",
                p_FCLKIN=f"{settings.input_hz / 1e6:g}",
                p_DEVICE=platform.family,
                p_IDIV_SEL=settings.input_divider - 1,
                p_FBDIV_SEL=settings.feedback_divider - 1,
                p_ODIV_SEL=settings.output_divider,
                i_CLKIN=source,
                o_CLKOUT=clock,
                o_LOCK=locked,
                **{f"i_{name}": Const(0, width) for name, width in TIED_OFF.items()},
            )

        return ClockWithReset(
            pin=platform.request(platform.default_clk, dir="-"), settings=settings, make_pll=None if settings.is_passthrough else make_pll
        )

    def family_arguments(self, platform: Any, options: Options) -> list[str]:
        return [
            *("--device", platform.part, "--vopt", f"family={platform.family if 'GW2A' in platform.family else platform._chipdb_device}"),
            *("--vopt", f"cst={self.constraints}", "--write", self.routed),
        ]

    def packer_arguments(self, platform: Any) -> list[str]:
        return ["-d", platform._chipdb_device, "-o", self.bitstream, self.routed]
