# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What each family of FPGAs says of how its bitstreams are made."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ...sw.fpga.resources import Resources
from ..module_names import TOP
from .clock_generator import ClockGenerator
from .pll import PllSettings

if TYPE_CHECKING:
    from .options import Options


HIDE_BIT_NAMES = "rename -hide w:*[[]*"
"""Takes the names of wires that look like a bit of another wire, which would confuse the mapper to LUTs."""


@dataclass(frozen=True)
class CellCosts:
    """The cells of a family that count, by their names in Yosys: of each, how many LUTs, block RAMs or multipliers it takes.

    In an iCE40 a LUT and a flip-flop behind it are one; so on average a flip-flop counts three quarters.
    """

    luts: Mapping[str, float]
    block_rams: Mapping[str, float]
    multipliers: Mapping[str, float]

    def resources(self, counts: Mapping[str, int]) -> Resources:
        """What so many of each cell take."""
        kinds = (self.luts, self.block_rams, self.multipliers)
        luts, block_rams, multipliers = (round(sum(counts.get(cell, 0) * taken for cell, taken in kind.items())) for kind in kinds)
        return Resources(luts, block_rams, multipliers)


class Flow(ABC):
    """A family's synthesis, and its clock; a family with open tools is an ``OpenFlow``. A platform is one of amaranth-boards."""

    tools: str
    """What makes the bitstream, for people."""
    frequency: float | None
    """Of the accelerator's clock where none is asked for, in Hz; None for the board's own."""
    frequency_by_grade: ClassVar[Mapping[str, float]] = {}
    """The same by speed grade, or where there are none by device, of those that are faster than others."""
    design: str = f"{TOP}.il"
    """The file with the design, among those that Amaranth prepares."""
    bitstream: str
    """The bitstream."""
    overconstraint: float = 1.0
    """What clock place and route are to reach for each that is needed: routers stop at what they are told, and may be a little wrong."""
    gated_clock: bool = False
    """The clock is still until it is stable, so that nothing needs a reset."""
    cell_costs: CellCosts
    """What counts of its cells take."""

    @abstractmethod
    def synthesis(self, platform: Any) -> str:
        """The Yosys commands that map a design to the family's cells."""

    @abstractmethod
    def clock_settings(self, platform: Any, frequency: float) -> PllSettings:
        """How a clock of a frequency, in Hz, or up to 5 % less is made of the board's. Raises FirebrickError where that cannot be."""

    @abstractmethod
    def clock_generator(self, platform: Any, settings: PllSettings) -> ClockGenerator:
        """What makes the clock."""


class OpenFlow(Flow):
    """A family whose bitstreams open tools finish."""

    constraints: str
    """The file that says where pins are and how fast clocks, among those that Amaranth prepares."""
    nextpnr: str
    """The program that places and routes."""
    routed: str
    """The file that it writes and the packer reads."""
    packer: str
    """The program that makes the bitstream."""
    verifiable: bool = False
    """Weights can be read back out of the bitstream; then the routed netlist is written, too."""
    router: str = "router1"
    """Of nextpnr's routers the one that does best, where none is asked for."""

    @abstractmethod
    def family_arguments(self, platform: Any, options: "Options") -> list[str]:
        """What nextpnr is told besides what it is told for every family."""

    @abstractmethod
    def packer_arguments(self, platform: Any) -> list[str]:
        """What the packer is told."""

    def nextpnr_arguments(self, platform: Any, options: "Options") -> list[str]:
        """All that nextpnr is told."""
        return [
            *self.family_arguments(platform, options),
            *("--json", f"{TOP}.json", "--report", f"{TOP}.timing.json"),
            *("--seed", str(options.seed), "--placer", options.placer, "--router", options.router or self.router),
            *("--freq", f"{options.frequency / 1e6:.3f}", "--timing-allow-fail", "--detailed-timing-report"),
            *(("--write", f"{TOP}.routed.json") if self.verifiable else ()),
        ]


NO_PORT_COLLISIONS = "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:CLK_ENABLE=1 %i r:TRANSPARENCY_MASK=1'0 %i"
"""Tells Yosys that reading and writing never meet in one word of a memory, where nothing else was said of it: no logic need see to that,
and a port can do both."""


def synthesise_in_halves(synth: str) -> str:
    """A command that maps a design to cells, in two halves: in front of the LUTs and from there on."""
    return f"{NO_PORT_COLLISIONS}\n{synth} -run begin:map_luts\n{HIDE_BIT_NAMES}\n{synth} -run map_luts:check"
