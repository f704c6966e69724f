# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Lattice ECP5: Yosys, nextpnr-ecp5, ecppack."""

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Instance, Module, Signal
from amaranth.lib import io

from ..generate import TOP
from ..pll import PllSettings, pll_settings
from ..romrecord import KEPT
from .clock import BoardClock
from .flow import Cells, OpenFlow, in_halves

if TYPE_CHECKING:
    from ..bitstream import Options


class Ecp5Flow(OpenFlow):
    """Reading and writing never meet in one word of a memory."""

    tools = "nextpnr-ecp5"
    frequency = 60e6
    gated = True
    cells = Cells(
        luts={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},  # distributed RAM takes two LUTs more, for its writing port
        block_rams={"DP16KD": 1, "PDPW16KD": 1},
        multipliers={"MULT18X18D": 1},
    )
    constraints = f"{TOP}.lpf"
    nextpnr = "nextpnr-ecp5"
    routed = f"{TOP}.config"
    packer = "ecppack"
    router = "router2"
    provable = True
    packed = f"{TOP}.bit"

    def synthesis(self, platform: Any) -> str:
        kept = " ".join(f"*/w:{name}" for name in KEPT)
        return f"setattr -set keep 1 {kept}\n{mapped(TOP)}"

    def settings(self, platform: Any, frequency: float) -> PllSettings:
        return pll_settings(platform.default_clk_frequency, frequency)

    def clock(self, platform: Any, settings: PllSettings) -> BoardClock:
        return Ecp5Clock(pin=platform.request(platform.default_clk, dir="-"), settings=settings)

    def placement(self, platform: Any, options: "Options") -> list[str]:
        device = platform._nextpnr_device_options[platform.device]
        package = platform._nextpnr_package_options[platform.package].upper()
        return [
            *(device, "--package", package, "--speed", str(platform.speed)),
            *("--lpf", self.constraints, "--textcfg", self.routed),
        ]

    def packing(self, platform: Any) -> list[str]:
        return ["--compress", "--input", self.routed, "--bit", self.packed]


def mapped(top: str) -> str:
    """The Yosys commands that map a design to cells of the ECP5."""
    return in_halves(f"synth_ecp5 -top {top} -no-rw-check -cmp2softlogic")


class Ecp5Clock(BoardClock):
    """A clock that starts when it is stable, so that everything it drives can do without a reset."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        settings = self.settings
        made, locked = Signal(), Signal()
        m.submodules.pin = pin = io.Buffer(io.Direction.Input, self.pin)
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{settings.input_hz / 1e6:g}",
            a_FREQUENCY_PIN_CLKOP=f"{settings.output_hz / 1e6:g}",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=settings.input_divider,
            p_CLKFB_DIV=settings.feedback_divider,
            p_CLKOP_DIV=settings.output_divider,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_CPHASE=settings.output_divider - 1,
            p_CLKOP_FPHASE=0,
            i_CLKI=pin.i,
            i_CLKFB=made,
            o_CLKOP=made,
            o_LOCK=locked,
            i_RST=0,
            i_STDBY=0,
            i_PLLWAKESYNC=0,
            i_ENCLKOP=0,
        )
        m.submodules.gate = Instance("DCCA", i_CLKI=made, i_CE=locked, o_CLKO=self.clock)
        return m
