# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Lattice ECP5, with the lanes of some engines at twice the clock."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from amaranth.hdl import Instance, Module, Signal
from amaranth.lib import io

from ...sw.utils.atomic_files import write_atomically
from ..module_names import TOP
from ..weights.probes import KEPT_OF_FAST_LANES, KEPT_SIGNALS
from .clock_generator import ClockGenerator
from .ecp5 import Ecp5Clock, Ecp5Flow, map_to_ecp5, pll_instance
from .ecp5_fast_lanes import use_output_registers
from .pll import PllSettings, pll_settings


class Ecp5FastFlow(Ecp5Flow):
    """The flow of the ECP5 for designs with a domain ``fast``.

    The PLL makes both clocks, and what runs at twice the clock uses the registers of multipliers and block RAMs.
    """

    def synthesis(self, platform: Any) -> str:
        return self.keep_signals(*KEPT_SIGNALS, *KEPT_OF_FAST_LANES) + map_to_ecp5(TOP, fast=True)

    def clock_settings(self, platform: Any, frequency: float) -> PllSettings:
        return replace(pll_settings(platform.default_clk_frequency, 2 * frequency), halved=True)

    def clock_generator(self, platform: Any, settings: PllSettings) -> ClockGenerator:
        return Ecp5FastClock(pin=platform.request(platform.default_clk, dir="-"), settings=settings)

    def finished_netlist(self, netlist: Path, folder: Path) -> Path:
        document = json.loads(netlist.read_text())
        use_output_registers(document)
        folder.mkdir(exist_ok=True)
        finished = folder / netlist.name
        write_atomically(finished, json.dumps(document, separators=(",", ":")).encode())
        return finished


class Ecp5FastClock(Ecp5Clock):
    """Two clocks from one PLL, with their edges in step: ``clock``, and ``fast_clock`` of twice the frequency; ``settings`` are halved.

    Each is behind a gate that opens when the PLL has locked, at any edge: no component needs both to begin together (``ClockPhase``).
    """

    def __init__(self, *, pin: Any, settings: PllSettings) -> None:
        super().__init__(pin=pin, settings=settings)
        self.fast_clock = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        locked, fast, slow = (Signal(name=name) for name in ("locked", "ungated_fast_clock", "ungated_clock"))
        m.submodules.pin = pin = io.Buffer(io.Direction.Input, self.pin)
        m.d.comb += self.board_clock.eq(pin.i)
        divider = self.settings.output_divider
        outputs = {"CLKOP": fast, "CLKOS": slow}
        m.submodules.pll = pll_instance(self.settings, {"CLKOP": divider, "CLKOS": 2 * divider}, pin.i, outputs, locked)
        m.submodules.gate = Instance("DCCA", i_CLKI=slow, i_CE=locked, o_CLKO=self.clock)
        m.submodules.fast_gate = Instance("DCCA", i_CLKI=fast, i_CE=locked, o_CLKO=self.fast_clock)
        return m
