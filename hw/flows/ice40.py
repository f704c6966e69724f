# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Lattice iCE40: Yosys, nextpnr-ice40, icepack."""

from typing import Any

from amaranth.hdl import Const, Instance, Module, Signal
from amaranth.lib import io

from ..module_names import PRODUCT_REGISTER_PREFIX, TOP
from .base import CellCosts, OpenFlow, PlacedCell, synthesise_in_halves
from .clock_generator import ClockGenerator, ClockWithReset, passthrough_settings, release_reset_after_lock
from .options import Options
from .pll import PllLimits, PllSettings, pll_settings

PLL_LIMITS = PllLimits(
    (533e6, 1066e6), (10e6, 133e6), range(1, 17), range(1, 129), [1 << power for power in range(1, 7)], feedback_from_output=False
)
PLL_FILTER_RANGES = ((17e6, 1), (26e6, 2), (44e6, 3), (66e6, 4), (101e6, 5), (float("inf"), 6))
"""The setting of the PLL's loop filter by the frequency at the phase detector, up to the given one; as in Project IceStorm's icepll."""
ULTRAPLUS = "iCE40UP5K"
"""The device with multipliers. Its only PLL shares the pin of the boards' clock, and takes its input from there (SB_PLL40_PAD)."""


class Ice40Flow(OpenFlow):
    """The flow of the iCE40.

    It has no distributed RAM, so FIFOs and accumulators are in block RAM. Their read ports are asynchronous, while block RAM reads with a
    cycle's delay: Yosys moves the register of the address into the read port, which it can only where that register has no initial value.
    So initial values are removed, as all registers are reset. Those of the clock generator are not, and start at 0, as all flip-flops of
    an iCE40 do.

    Yosys takes two registers behind a multiplier into SB_MAC16 and makes constant zeros of them. So the first one is kept outside.
    """

    tools = "nextpnr-ice40"
    frequency = 12e6  # the clock of most boards, which needs no PLL
    cell_costs = CellCosts(
        # A logic cell holds a LUT and the flip-flop behind it. About a quarter of all flip-flops share one so: each counts 0.75 LUTs.
        luts={"SB_LUT4": 1, **{f"SB_DFF{kind}": 0.75 for kind in ("", "E", "SR", "SS", "ESR", "ESS")}},
        block_rams={"SB_RAM40_4K": 1},
        multipliers={"SB_MAC16": 1},
    )
    placed_cells = (
        PlacedCell("logic cells of a LUT and a flip-flop", "ICESTORM_LC", "luts"),
        PlacedCell("block RAMs", "ICESTORM_RAM", "block_rams"),
        PlacedCell("multipliers", "ICESTORM_DSP", "multipliers"),
    )
    constraints = f"{TOP}.pcf"
    nextpnr = "nextpnr-ice40"
    routed = f"{TOP}.asc"
    packer = "icepack"
    bitstream = f"{TOP}.bin"

    def synthesis(self, platform: Any) -> str:
        dsp = " -dsp" if platform.device == ULTRAPLUS else ""
        return "\n".join(
            [
                "setattr -unset ram_style a:ram_style=distributed",
                f"setattr -unset init {TOP}.*/w:* {TOP}.clock/w:* %d",
                f"setattr -set keep 1 */w:{PRODUCT_REGISTER_PREFIX}*",
                synthesise_in_halves(f"synth_ice40 -top {TOP} -no-rw-check{dsp}"),
            ]
        )

    def clock_settings(self, platform: Any, frequency: float) -> PllSettings:
        board_hz = platform.default_clk_frequency
        return passthrough_settings(board_hz, frequency) or pll_settings(board_hz, frequency, PLL_LIMITS)

    def clock_generator(self, platform: Any, settings: PllSettings) -> ClockGenerator:
        pin = platform.request(platform.default_clk, dir="-")
        return ClockWithReset(pin=pin, settings=settings) if settings.is_passthrough else Ice40Clock(pin=pin, settings=settings)

    def family_arguments(self, platform: Any, options: Options) -> list[str]:
        device = platform._nextpnr_device_options[platform.device]
        package = platform.package.lower() + platform._nextpnr_package_options.get(platform.device, "")
        return [device, "--package", package, "--pcf", self.constraints, "--asc", self.routed]

    def packer_arguments(self, platform: Any) -> list[str]:
        return [self.routed, self.bitstream]


class Ice40Clock(ClockGenerator):
    """A clock from the PLL, which is fed from the pin itself or through the fabric."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        settings = self.settings
        locked = Signal()
        if platform.device == ULTRAPLUS:
            primitive, source = "SB_PLL40_PAD", {"io_PACKAGEPIN": self.pin.io}
        else:
            m.submodules.pin = pin = io.Buffer(io.Direction.Input, self.pin)
            primitive, source = "SB_PLL40_CORE", {"i_REFERENCECLK": pin.i}
        m.submodules.pll = Instance(
            primitive,
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(settings.input_divider - 1, 4),
            p_DIVF=Const(settings.feedback_divider - 1, 7),
            p_DIVQ=Const(settings.output_divider.bit_length() - 1, 3),
            p_FILTER_RANGE=Const(_filter_range(settings), 3),
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=self.clock,
            o_LOCK=locked,
            **source,
        )
        release_reset_after_lock(m, self, locked)
        return m


def _filter_range(settings: PllSettings) -> int:
    pfd_hz = settings.input_hz / settings.input_divider
    return next(setting for limit, setting in PLL_FILTER_RANGES if pfd_hz < limit)
