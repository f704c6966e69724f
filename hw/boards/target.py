# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a plan is made for: a board, the link to the host and the clock."""

from dataclasses import astuple, dataclass, replace

from ...sw.compiler.planner import plan_for, smallest_plan
from ...sw.display.settings import DisplayOptions
from ...sw.errors import FirebrickError
from ...sw.fpga.cost_model import estimate
from ...sw.fpga.fabric import Fabric
from ...sw.fpga.link_costs import available_beside_link, link_resources
from ...sw.fpga.peripherals import NONE, Peripherals
from ...sw.fpga.resources import Resources, total
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from .registry import Board, board
from .standalone_ports import check_peripherals


@dataclass(frozen=True)
class Target:
    """A board, and what is chosen of it."""

    board: Board
    link: str
    """The link to the host, one of the board's."""
    clock: float
    """The accelerator's clock in Hz, as the board's PLL makes it."""
    reloadable: bool = False
    """All weights are kept in block RAM, so that they can be reloaded in the finished bitstream."""
    peripherals: Peripherals = NONE
    """A camera and a display."""
    fast_lanes: bool = False
    """The lanes of some engines may run at twice the clock."""

    @property
    def fabric(self) -> Fabric:
        """The FPGA's fabric; a reloadable design uses no LUT ROM of it."""
        device = self.board.device.fabric
        fabric = device.with_fast_lanes() if self.fast_lanes else device
        return replace(fabric, lut_rom_bits=(0,)) if self.reloadable else fabric

    @property
    def available(self) -> Resources:
        """What the link leaves of the FPGA, without a camera and a display."""
        return available_beside_link(self.board.device.resources, self.link, self.fabric, reloadable=self.reloadable)

    def available_for(self, model: Model) -> Resources:
        """What link, camera and display leave of the FPGA for a model."""
        left, taken = self.available, self.peripherals.resources(model, self.board.device.fabric)
        return Resources(*(max(0, there - used) for there, used in zip(astuple(left), astuple(taken), strict=True)))

    def plan(self, model: Model, fps: float | None = None) -> Plan:
        """The fastest plan that fits, or the smallest that reaches ``fps`` frames a second. Raises FirebrickError if there is none."""
        available = self.available_for(model)
        if fps is None:
            return plan_for(model, available, self.fabric)
        return smallest_plan(model, available, fps, self.clock, self.fabric)

    def place_names(self, model: Model, fps: float | None = None) -> tuple["Target", Plan]:
        """A plan as ``plan`` makes it, and the target with the names of its display where they cost least.

        They lie in block RAM or in look-up tables, whichever makes the faster plan; of equal ones the one that takes fewer LUTs. Raises
        FirebrickError if there is no plan with either.
        """
        if not self.peripherals.display:
            return self, self.plan(model, fps)
        found: list[tuple[float, int, Target, Plan]] = []
        problems = []
        for in_block_ram in (True, False):
            target = self.with_screen(replace(self.peripherals.screen, names_in_block_ram=in_block_ram))
            if target.peripherals.resources(model, self.board.device.fabric).block_rams > self.available.block_rams:
                continue
            try:
                plan = target.plan(model, fps)
            except FirebrickError as problem:
                problems.append(problem)
            else:
                found.append((plan.cycles if fps is None else 0, target.resources(plan, model).luts, target, plan))
        if not found:
            raise problems[0]
        return min(found, key=lambda one: one[:2])[2:]

    def with_screen(self, screen: DisplayOptions) -> "Target":
        """The same with other options of the display."""
        return replace(self, peripherals=replace(self.peripherals, screen=screen))

    def resources(self, plan: Plan, model: Model) -> Resources:
        """What a model's plan, the link, a camera and a display are predicted to take."""
        classes = plan.global_sum.channels
        link = link_resources(self.link, self.board.device.fabric, reloadable=self.reloadable, classes=classes)
        peripherals = self.peripherals.resources(model, self.board.device.fabric)
        return total(estimate(plan, self.board.device.fabric)) + link + peripherals


CAMERA_FREQUENCY = 45e6
"""The usual clock beside a camera, in Hz. SqueezeNet v1.1 takes more frames a second with it than a camera sends, 44, and with camera and
screen it nearly fills an ECP5 85F, where paths are long: routed for 45 MHz at grade 6 it reached 51.8."""


def find_target(
    name: str,
    *,
    link: str | None = None,
    frequency: float | None = None,
    reloadable: bool = False,
    peripherals: Peripherals = NONE,
    fast_lanes: bool = False,
) -> Target:
    """The target with a board's name; its first link and the usual clock of its family where none is given.

    Beside a camera the usual clock is at most CAMERA_FREQUENCY. ``frequency`` is in Hz.

    Raises FirebrickError for a board or a link that there is not, for a camera or a display that the board cannot have beside it, for
    ``fast_lanes`` on an FPGA that has none, and where the board's clock cannot be turned into the frequency.
    """
    found = board(name)
    check_peripherals(peripherals, found.name, found.device.family)
    chosen = found.link(link)
    plls = found.plls(chosen) + peripherals.any
    if peripherals.any and plls > found.device.plls:
        raise FirebrickError(
            f"board {name} has an FPGA with {found.device.plls} PLLs, and a camera beside the link {chosen} needs {plls}; "
            "choose the link uart"
        )
    usual = min(found.frequency, CAMERA_FREQUENCY) if peripherals.any else found.frequency
    clock = found.clock_for(frequency or usual, fast=fast_lanes)
    return Target(found, chosen, clock, reloadable, peripherals, fast_lanes)
