# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a family of FPGAs defines: synthesis, clock generation and, with open tools, place and route and packing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from ...sw.fpga.resources import Resources
from ..module_names import FAST_CLOCK, TOP
from .clock_generator import ClockGenerator
from .options import Options
from .pll import PllSettings

HIDE_BIT_NAMES = "rename -hide w:*[[]*"
"""The Yosys command that drops wire names that look like a bit of another wire, ``name[3]``: they confuse the LUT mapper."""
NO_PORT_COLLISIONS = "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:CLK_ENABLE=1 %i r:TRANSPARENCY_MASK=1'0 %i *crossing*/* %d"
"""The Yosys command that declares reading and writing of one memory word in the same cycle a don't-care, where nothing else was declared.

No component does so. Without it Yosys adds logic for that case, and cannot put a read and a write into one port. FIFOs between two clocks,
``*crossing*``, are left out: their ports have no cycle in common, and Yosys refuses the declaration.
"""
FAST_READ_PORTS = f"*/w:{FAST_CLOCK} %co1:+$memrd_v2[CLK]"
"""The selection of read ports at twice the clock: they never collide with a write port, as that has another clock."""


@dataclass(frozen=True)
class CellCosts:
    """What each kind of cell, by its name in Yosys, counts as LUTs, block RAMs or multipliers."""

    luts: Mapping[str, float]
    block_rams: Mapping[str, float]
    multipliers: Mapping[str, float]

    def resources(self, counts: Mapping[str, int]) -> Resources:
        """The resources of a design, from the number of its cells of each kind."""
        kinds = (self.luts, self.block_rams, self.multipliers)
        luts, block_rams, multipliers = (round(sum(counts.get(cell, 0) * cost for cell, cost in kind.items())) for kind in kinds)
        return Resources(luts, block_rams, multipliers)


@dataclass(frozen=True)
class PlacedCell:
    """A kind of cell that nextpnr counts."""

    what: str
    """Human-readable."""
    cell: str
    """nextpnr's name."""
    resource: Literal["luts", "block_rams", "multipliers"] | None = None
    """The field of ``Resources`` that estimates their number, if one does."""


class Flow(ABC):
    """The flow of a family of FPGAs; with open tools it is an ``OpenFlow``. A platform is one of amaranth-boards.

    Attributes that are files are names of files, relative to the folder of a step.
    """

    tools: str
    """The tools that make the bitstream, human-readable."""
    frequency: float | None
    """The default of the accelerator's clock, in Hz; None for the board's own clock."""
    frequency_by_grade: ClassVar[Mapping[str, float]] = {}
    """Defaults of faster FPGAs, in Hz: by speed grade, or by device in a family without grades."""
    design: str = f"{TOP}.il"
    """The file with the design, among those that Amaranth prepares."""
    bitstream: str
    """The file with the bitstream."""
    overconstraint: float = 1.0
    """The clock constraint for place and route, as a multiple of the target frequency."""
    gated_clock: bool = False
    """The clock does not run until it is stable, so that nothing needs a reset."""
    cell_costs: CellCosts

    @abstractmethod
    def synthesis(self, platform: Any) -> str:
        """The Yosys commands that map a design to the family's cells."""

    @abstractmethod
    def clock_settings(self, platform: Any, frequency: float) -> PllSettings:
        """The settings that turn the board's clock into one of at most ``frequency``, in Hz, and at least 95 % of it: ``clock_hz``.

        Raises FirebrickError if there are none.
        """

    @abstractmethod
    def clock_generator(self, platform: Any, settings: PllSettings) -> ClockGenerator:
        """The component that generates the accelerator's clock."""


class OpenFlow(Flow):
    """A family with open tools: nextpnr places and routes, and a packer makes the bitstream."""

    constraints: str
    """The file with pin locations and clock constraints, among those that Amaranth prepares."""
    nextpnr: str
    """The program that places and routes."""
    routed: str
    """The file that nextpnr writes and the packer reads."""
    packer: str
    """The program that makes the bitstream."""
    placed_cells: ClassVar[tuple[PlacedCell, ...]]
    """The cells that reports list."""
    verifiable: bool = False
    """Weights can be read back from the bitstream; for that nextpnr also writes the routed netlist."""
    router: str = "router1"
    """The default among nextpnr's routers."""
    timing_rip_up: tuple[str, ...] = ()
    """The arguments with which the default router routes wires again that miss the clock, if it does."""

    @abstractmethod
    def family_arguments(self, platform: Any, options: Options) -> list[str]:
        """The arguments of nextpnr that are specific to the family."""

    def finished_netlist(self, netlist: Path, folder: Path) -> Path:
        """What place and route gets of a netlist that Yosys wrote: the same file, or another that is written to a folder."""
        return netlist

    @abstractmethod
    def packer_arguments(self, platform: Any) -> list[str]:
        """The arguments of the packer."""

    def nextpnr_arguments(self, platform: Any, options: Options, *, timing_rip_up: bool = True) -> list[str]:
        """All arguments of nextpnr, with those of ``timing_rip_up`` or without. It reports timing that is not met; the build judges it."""
        return [
            *self.family_arguments(platform, options),
            *(self.timing_rip_up if timing_rip_up else ()),
            *("--json", f"{TOP}.json", "--report", f"{TOP}.timing.json"),
            *("--seed", str(options.seed), "--placer", options.placer, "--router", options.router or self.router),
            *("--freq", f"{options.frequency / 1e6:.3f}", "--timing-allow-fail", "--detailed-timing-report"),
            *(("--write", f"{TOP}.routed.json") if self.verifiable else ()),
        ]


def synthesise_in_halves(synth: str, *, fast: bool = False) -> str:
    """The Yosys commands for a synthesis command in two halves, before the mapping to LUTs and from there on.

    In between, the names that would confuse the mapping are dropped. ``fast``: some memories are read at twice the clock.
    """
    no_collisions = f"{NO_PORT_COLLISIONS} {FAST_READ_PORTS} %d" if fast else NO_PORT_COLLISIONS
    return f"{no_collisions}\n{synth} -run begin:map_luts\n{HIDE_BIT_NAMES}\n{synth} -run map_luts:check"
