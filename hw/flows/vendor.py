# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Families whose bitstreams only the vendor's tools make: a project is written for these, and Yosys estimates the resources."""

import shutil
from typing import Any

from amaranth.hdl import Const, Instance, Signal

from ...sw.errors import FirebrickError
from ..module_names import TOP
from .base import HIDE_BIT_NAMES, CellCosts, Flow, synthesise_in_halves
from .clock_generator import ClockGenerator, ClockWithReset, passthrough_settings
from .pll import PllLimits, PllSettings, pll_settings

BUILD_SCRIPT = f"build_{TOP}.sh"
"""The script in a project that runs the tools."""
MMCM_LIMITS = PllLimits((600e6, 1200e6), (10e6, 450e6), range(1, 11), range(2, 65), range(1, 129), feedback_from_output=False)
"""What every speed grade of 7 series and UltraScale allows, by the data sheets; fractional dividers are not used."""
XILINX_LUTS = {
    **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM16X1D": 2,
    "SRL16E": 1,
    "SRLC32E": 1,
}
"""LUTs that Xilinx cells take: distributed RAM by ports and width, shift registers one each."""
INTEL_PADS = """\
read_verilog -lib <<EOT
module firebrick_pad #(
    parameter enable_bus_hold = "", number_of_channels = 1, use_differential_mode = "", use_oe = ""
) (input datain, oe, output dataout);
endmodule
EOT
chtype -set firebrick_pad t:altiobuf_*
"""
"""A stand-in for the pads that Amaranth instantiates: Yosys does not know them, and an estimate of resources does not need them."""


class VendorFlow(Flow):
    """The flow of a family whose tools are the vendor's.

    Parameters
    ----------
    synthesis: the Yosys commands that map a design to the family's cells
    bitstream: the file with the bitstream
    tools: the tools that make it, human-readable
    cell_costs: what its cells count as
    mmcm: the primitive that generates a clock; without one the clock is the board's own
    """

    design = f"{TOP}.v"

    def __init__(self, synthesis: str, bitstream: str, tools: str, cell_costs: CellCosts, mmcm: str = "") -> None:
        self._synthesis = synthesis
        self.bitstream = bitstream
        self.tools = tools
        self.cell_costs = cell_costs
        self._mmcm = mmcm
        self.frequency = 80e6 if mmcm else None  # not measured: the vendor's timing report has the last word

    def synthesis(self, platform: Any) -> str:
        return self._synthesis

    def clock_settings(self, platform: Any, frequency: float) -> PllSettings:
        board_hz = platform.default_clk_frequency
        if self._mmcm:
            return pll_settings(board_hz, frequency, MMCM_LIMITS)
        if settings := passthrough_settings(board_hz, frequency):
            return settings
        raise FirebrickError(f"frequency must be {board_hz / 1e6:g} MHz, the board's own clock, not {frequency / 1e6:g}")

    def clock_generator(self, platform: Any, settings: PllSettings) -> ClockGenerator:
        pin = platform.request(platform.default_clk, dir="-")
        return ClockWithReset(pin=pin, settings=settings, make_pll=self._mmcm_instance if self._mmcm else None)

    def _mmcm_instance(self, settings: PllSettings, source: Signal, clock: Signal, locked: Signal) -> Instance:
        feedback = Signal()
        return Instance(
            self._mmcm,
            p_CLKIN1_PERIOD=1e9 / settings.input_hz,
            p_DIVCLK_DIVIDE=settings.input_divider,
            p_CLKFBOUT_MULT_F=float(settings.feedback_divider),
            p_CLKOUT0_DIVIDE_F=float(settings.output_divider),
            i_CLKIN1=source,
            i_CLKFBIN=feedback,
            o_CLKFBOUT=feedback,
            o_CLKOUT0=clock,
            o_LOCKED=locked,
            i_RST=Const(0),
            i_PWRDWN=Const(0),
        )


def missing_tools(platform: Any) -> list[str]:
    """The programs that a platform's tools consist of and that are not on the PATH."""
    return [name for name in platform.required_tools if not shutil.which(name)]


def _xilinx(family: str, *, tools: str = "Vivado, from AMD", mmcm: str = "") -> VendorFlow:
    return VendorFlow(
        synthesise_in_halves(f"synth_xilinx -top {TOP} -family {family}"),
        f"{TOP}.bit",
        tools,
        CellCosts(
            luts=XILINX_LUTS,
            block_rams={"RAMB18E1": 1, "RAMB36E1": 2, "RAMB18E2": 1, "RAMB36E2": 2, "RAMB16BWER": 1, "RAMB8BWER": 1, "RAMB16BWE": 1},
            multipliers={"DSP48E1": 1, "DSP48E2": 1, "DSP48A1": 1, "MULT18X18SIO": 1},
        ),
        mmcm=mmcm,
    )


def _intel(family: str, cells: str) -> VendorFlow:
    """A flow for Quartus. Yosys cannot initialise these block RAMs; for an estimate their contents are removed before mapping."""
    synth = f"synth_intel -top {TOP} -family {family}"
    rams = "memory_bram -rules +/intel/common/brams_m9k.txt\nsetparam -unset INIT t:$__M9K_*"
    return VendorFlow(
        f"{INTEL_PADS}{synth} -run begin:map_bram\n{rams}\n{synth} -run map_bram:map_luts\n{HIDE_BIT_NAMES}\n{synth} -run map_luts:check",
        f"{TOP}.sof",
        "Quartus Prime Lite, from Intel",
        CellCosts(
            luts={f"{cells}_lcell_comb": 1},
            block_rams={"altsyncram": 1},
            multipliers={f"{cells}_mac_mult": 1},
        ),
    )


def _machxo(family: str) -> VendorFlow:
    return VendorFlow(
        synthesise_in_halves(f"synth_lattice -top {TOP} -family {family}"),
        f"{TOP}.bit",
        "Diamond, from Lattice",
        CellCosts(
            luts={"LUT4": 1, "CCU2D": 2, "TRELLIS_DPR16X4": 6},
            block_rams={"DP8KC": 1, "PDPW8KC": 1},
            multipliers={},
        ),
    )


VENDOR_FLOWS = {
    "7 series": _xilinx("xc7", mmcm="MMCME2_BASE"),
    "UltraScale": _xilinx("xcu", mmcm="MMCME3_BASE"),
    "UltraScale+": _xilinx("xcup", mmcm="MMCME4_BASE"),
    "Spartan-6": _xilinx("xc6s", tools="ISE, from AMD"),
    "Spartan-3A": _xilinx("xc3sa", tools="ISE, from AMD"),
    "Cyclone III": _intel("cycloneive", "cycloneive"),
    "Cyclone IV": _intel("cycloneive", "cycloneive"),
    "MAX 10": _intel("max10", "fiftyfivenm"),
    "Cyclone V": VendorFlow(
        INTEL_PADS + synthesise_in_halves(f"synth_intel_alm -top {TOP} -family cyclonev"),
        f"{TOP}.sof",
        "Quartus Prime Lite, from Intel",
        CellCosts(
            luts={**{f"MISTRAL_ALUT{inputs}": 1 for inputs in range(2, 7)}, "MISTRAL_ALUT_ARITH": 1, "MISTRAL_MLAB": 1},
            block_rams={"MISTRAL_M10K": 1},
            multipliers={"MISTRAL_MUL9X9": 1, "MISTRAL_MUL18X18": 1, "MISTRAL_MUL27X27": 1},
        ),
    ),
    "MachXO2": _machxo("xo2"),
    "MachXO3": _machxo("xo3"),
}
"""The flow of each family of devices."""
