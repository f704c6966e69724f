# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Lattice ECP5: Yosys, nextpnr-ecp5, ecppack."""

from collections.abc import Mapping
from typing import Any, ClassVar

from amaranth.hdl import Instance, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out

from ...sw.errors import FirebrickError
from ..module_names import LUT_ROM_PREFIX, TOP
from ..weights.probes import KEPT_SIGNALS
from .base import CellCosts, OpenFlow, PlacedCell, synthesise_in_halves
from .clock_generator import ClockGenerator
from .ecp5_fast_lanes import MAP_FAST_MULTIPLIERS
from .ecp5_lut_multiplier import MAP_LUT_MULTIPLIERS
from .options import Options
from .pll import ECP5_PLL, PllSettings, pll_settings

USB_IO_HZ = 48_000_000
"""Clock of the full-speed USB pins: four samples of each bit."""
USB_HZ = 12_000_000
"""Clock of the full-speed USB device: one cycle a bit, 12 Mbit/s."""

PIXEL_HZ = 25_000_000
"""Clock of a screen of 640x480 pixels at 60 Hz, and of the input of cameras."""
TMDS_HZ = 5 * PIXEL_HZ
"""Clock of TMDS: two of the ten bits of a pixel in each cycle."""


class Ecp5Flow(OpenFlow):
    """The flow of the ECP5, which also keeps the signals that read-back verification looks up."""

    tools = "nextpnr-ecp5"
    frequency = 75e6  # what SqueezeNet v1.1 meets on a full 85F of speed grade 6 with some seeds, see the table in README.md
    frequency_by_grade: ClassVar[Mapping[str, float]] = {"8": 110e6}  # likewise of speed grade 8
    gated_clock = True
    cell_costs = CellCosts(
        luts={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},  # distributed RAM: 4 LUTs, and 2 for its write port
        block_rams={"DP16KD": 1, "PDPW16KD": 1},
        multipliers={"MULT18X18D": 1},
    )
    placed_cells = (
        PlacedCell("LUTs, carry chains, distributed RAM", "TRELLIS_COMB", "luts"),
        PlacedCell("flip-flops", "TRELLIS_FF"),
        PlacedCell("write ports of distributed RAM", "TRELLIS_RAMW"),
        PlacedCell("block RAMs", "DP16KD", "block_rams"),
        PlacedCell("multipliers", "MULT18X18D", "multipliers"),
    )
    constraints = f"{TOP}.lpf"
    nextpnr = "nextpnr-ecp5"
    routed = f"{TOP}.config"
    packer = "ecppack"
    router = "router2"
    timing_rip_up = ("--tmg-ripup",)  # wires that miss the constraint are ripped up and routed again
    verifiable = True
    bitstream = f"{TOP}.bit"
    # The router stops at the constraint, and its delays may be a little optimistic. With --tmg-ripup and a constraint 2 % above the target,
    # placements of a full 85F that had reached 69 to 72 MHz reached 74.
    overconstraint = 1.015

    def synthesis(self, platform: Any) -> str:
        return self.keep_signals(*KEPT_SIGNALS) + map_to_ecp5(TOP)

    def keep_signals(self, *names: str) -> str:
        """The Yosys command that keeps the names of signals, for read-back verification."""
        return f"setattr -set keep 1 {' '.join(f'*/w:{name}' for name in names)}\n"

    def clock_settings(self, platform: Any, frequency: float) -> PllSettings:
        return pll_settings(platform.default_clk_frequency, frequency)

    def clock_generator(self, platform: Any, settings: PllSettings) -> ClockGenerator:
        return Ecp5Clock(pin=platform.request(platform.default_clk, dir="-"), settings=settings)

    def family_arguments(self, platform: Any, options: Options) -> list[str]:
        device = platform._nextpnr_device_options[platform.device]
        package = platform._nextpnr_package_options[platform.package].upper()
        return [
            *(device, "--package", package, "--speed", str(platform.speed)),
            *("--lpf", self.constraints, "--textcfg", self.routed),
        ]

    def packer_arguments(self, platform: Any) -> list[str]:
        return ["--compress", "--input", self.routed, "--bit", self.bitstream]


def map_to_ecp5(top: str, *, fast: bool = False) -> str:
    """The Yosys commands that map a design to cells of the ECP5; ``fast``: it has lanes at twice the clock.

    ROMs in look-up tables stay modules of their own: mapped with logic that is slower, each takes up to 1.7 times as many of them.
    """
    multipliers = f"{MAP_LUT_MULTIPLIERS}\n{MAP_FAST_MULTIPLIERS if fast else ''}"
    return f"{multipliers}setattr -mod -set keep_hierarchy 1 *.{LUT_ROM_PREFIX}*\n" + synthesise_in_halves(
        f"synth_ecp5 -top {top} -no-rw-check -cmp2softlogic", fast=fast
    )


class Ecp5Clock(ClockGenerator):
    """A clock behind a gate (DCCA) that opens when the PLL has locked, so that nothing needs a reset.

    ``board_clock`` is the board's own clock, for further PLLs.
    """

    def __init__(self, *, pin: Any, settings: PllSettings) -> None:
        super().__init__(pin=pin, settings=settings)
        self.board_clock = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        settings = self.settings
        pll_clock = Signal()
        locked = Signal()
        m.submodules.pin = pin = io.Buffer(io.Direction.Input, self.pin)
        m.d.comb += self.board_clock.eq(pin.i)
        m.submodules.pll = pll_instance(settings, {"CLKOP": settings.output_divider}, pin.i, {"CLKOP": pll_clock}, locked)
        m.submodules.gate = Instance("DCCA", i_CLKI=pll_clock, i_CE=locked, o_CLKO=self.clock)
        return m


class Ecp5VideoClocks(wiring.Component):
    """The two clocks of a screen: in phase, one five times the other, gated until they are stable.

    Parameters
    ----------
    board_hz: the frequency of the board's clock; raises FirebrickError if no PLL settings turn it into those of a screen
    tmds: whether the faster one is needed

    Members
    -------
    board_clock: ``In(1)``; the board's clock
    pixel_clock: ``Out(1)``; ``PIXEL_HZ``
    tmds_clock: ``Out(1)``; ``TMDS_HZ``
    """

    board_clock: Signal
    pixel_clock: Signal
    tmds_clock: Signal

    def __init__(self, *, board_hz: int, tmds: bool) -> None:
        self.settings = exact_pll_settings(board_hz, TMDS_HZ, "those of a screen; choose another board")
        self._clocks = {"pixel": PIXEL_HZ, **({"tmds": TMDS_HZ} if tmds else {})}
        super().__init__({"board_clock": In(1), "pixel_clock": Out(1), "tmds_clock": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        locked = Signal()
        dividers = {"CLKOP": self.settings.output_divider}
        outputs = {"CLKOP": Signal(name="feedback")}
        for name, (clock, hertz) in zip(("CLKOS", "CLKOS2"), self._clocks.items(), strict=False):
            dividers[name] = round(self.settings.vco_hz) // hertz
            outputs[name] = ungated = Signal(name=f"ungated_{clock}_clock")
            gated = self.pixel_clock if clock == "pixel" else self.tmds_clock
            m.submodules[f"{clock}_gate"] = Instance("DCCA", i_CLKI=ungated, i_CE=locked, o_CLKO=gated)
        m.submodules.pll = pll_instance(self.settings, dividers, self.board_clock, outputs, locked)
        return m


class Ecp5UsbClocks(wiring.Component):
    """The two clocks of USB at full speed: in phase, one four times the other, gated until they are stable.

    Parameters
    ----------
    board_hz: the frequency of the board's clock; raises FirebrickError if no PLL settings turn it into USB's

    Members
    -------
    board_clock: ``In(1)``; the board's clock
    io_clock: ``Out(1)``; ``USB_IO_HZ``
    usb_clock: ``Out(1)``; ``USB_HZ``
    """

    board_clock: Signal
    io_clock: Signal
    usb_clock: Signal

    def __init__(self, *, board_hz: int) -> None:
        self.settings = usb_pll_settings(board_hz)
        super().__init__({"board_clock": In(1), "io_clock": Out(1), "usb_clock": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        feedback = Signal()
        ungated_io_clock = Signal()
        ungated_usb_clock = Signal()
        locked = Signal()
        vco = round(self.settings.vco_hz)
        dividers = {"CLKOP": self.settings.output_divider, "CLKOS": vco // USB_IO_HZ, "CLKOS2": vco // USB_HZ}
        outputs = {"CLKOP": feedback, "CLKOS": ungated_io_clock, "CLKOS2": ungated_usb_clock}
        m.submodules.pll = pll_instance(self.settings, dividers, self.board_clock, outputs, locked)
        m.submodules.io_gate = Instance("DCCA", i_CLKI=ungated_io_clock, i_CE=locked, o_CLKO=self.io_clock)
        m.submodules.usb_gate = Instance("DCCA", i_CLKI=ungated_usb_clock, i_CE=locked, o_CLKO=self.usb_clock)
        return m


def usb_pll_settings(board_hz: int) -> PllSettings:
    """PLL settings whose oscillator runs at a multiple of both clocks of USB, exactly. Raises FirebrickError if there are none."""
    return exact_pll_settings(board_hz, USB_IO_HZ, "those of USB; choose the link uart")


def exact_pll_settings(board_hz: int, unit_hz: int, purpose: str) -> PllSettings:
    """PLL settings whose oscillator runs at a multiple of a clock, exactly.

    Raises FirebrickError if there are none; ``purpose`` ends its message.
    """
    low, high = (round(limit) for limit in ECP5_PLL.vco_hz)
    lowest = -(-low // unit_hz) * unit_hz  # the lowest multiple in the oscillator's range
    for vco in range(lowest, high + 1, unit_hz):
        for divider in ECP5_PLL.input_dividers:
            if board_hz >= ECP5_PLL.pfd_hz[0] * divider and not vco * divider % board_hz:
                multiple = vco * divider // board_hz  # the product of feedback and output divider
                for feedback in ECP5_PLL.feedback_dividers:
                    if not multiple % feedback and 2 <= multiple // feedback <= ECP5_PLL.output_dividers[-1]:
                        return PllSettings(board_hz, divider, feedback, multiple // feedback)
    raise FirebrickError(f"a clock of {board_hz / 1e6:g} MHz cannot be turned into {purpose}")


def pll_instance(settings: PllSettings, dividers: dict[str, int], source: Signal, outputs: dict[str, Signal], locked: Signal) -> Instance:
    """A PLL with feedback from its output CLKOP; ``dividers`` are those of its outputs.

    Attributes and phases are those that Project Trellis' ecppll writes: a CPHASE of divider - 1 aligns the outputs' rising edges.
    """
    parameters: dict[str, Any] = {}
    for name, divider in dividers.items():
        parameters |= {
            f"p_{name}_DIV": divider,
            f"p_{name}_ENABLE": "ENABLED",
            f"p_{name}_CPHASE": divider - 1,
            f"p_{name}_FPHASE": 0,
            f"a_FREQUENCY_PIN_{name}": f"{settings.vco_hz / divider / 1e6:g}",
            f"o_{name}": outputs[name],
        }
    return Instance(
        "EHXPLLL",
        a_FREQUENCY_PIN_CLKI=f"{settings.input_hz / 1e6:g}",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_FEEDBK_PATH="CLKOP",
        p_CLKI_DIV=settings.input_divider,
        p_CLKFB_DIV=settings.feedback_divider,
        i_CLKI=source,
        i_CLKFB=outputs["CLKOP"],
        o_LOCK=locked,
        i_RST=0,
        i_STDBY=0,
        i_PLLWAKESYNC=0,
        i_ENCLKOP=0,
        i_ENCLKOS=0,
        i_ENCLKOS2=0,
        **parameters,
    )
