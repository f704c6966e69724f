# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Plans of accelerators: cycles, resources and frames a second before anything is built; Verilog and bitstreams from them."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checks import PathLike, as_path, check_count, check_positive
from .core import bus_options, write_core
from .hw.module_names import TOP
from .inputs import image_paths
from .model import Model
from .sw.compiler.end_to_end import EndToEnd, end_to_end
from .sw.compiler.lowering import compile_model
from .sw.errors import FirebrickError
from .sw.fpga.cost_model import estimate
from .sw.fpga.resources import Resources, total
from .sw.plan.nodes import Plan as PlanSpec
from .sw.plan.report import plan_report
from .sw.utils.progress import Progress, no_progress
from .sw.zoo.catalogue import DEFAULT_FREQUENCY, DEFAULT_LANES

if TYPE_CHECKING:
    from .bitstream import Bitstream
    from .hw.boards.target import Target


@dataclass(frozen=True)
class Engine:
    """One engine of a plan: a convolution, or the squeeze or expand filters of a Fire module."""

    name: str
    layers: tuple[str, ...]
    lanes: int
    """Multipliers."""
    cycles: int
    """Cycles of a frame without back-pressure; the slowest engine sets the frame rate."""
    busy_cycles: int
    """Those in which its lanes multiply."""
    macs: int
    """Multiply-accumulates of a frame."""
    rom_bits: int
    """Size of its ROMs."""


class Plan:
    """How a model becomes hardware; `Model.plan` makes it.

    Examples:
        >>> plan = firebrick.load("digits").plan(board="ulx3s_12f")
        >>> plan.write_verilog("build/verilog")
        >>> plan.build("build/ulx3s_12f").program()
    """

    def __init__(self, model: Model, spec: PlanSpec, *, clock: float | None, target: "Target | None", flexible_clock: bool = False) -> None:
        self.model = model
        self.spec = spec
        """Every node of the pipeline, as the packages below use them; not part of the stable surface."""
        self._clock, self._target, self._flexible_clock = clock, target, flexible_clock

    def __repr__(self) -> str:
        where = f" for {self.board}, {self.fps:.1f} frames/s at {self.clock_mhz:.1f} MHz" if self.fps else ""
        return f"<Plan of {self.model.name}{where}: {self.lanes} lanes, {self.cycles:,} cycles per frame>"

    @property
    def board(self) -> str | None:
        """Name of the board; None for a plan of a number of lanes."""
        return self._target.board.name if self._target else None

    @property
    def lanes(self) -> int:
        """Multipliers of all engines."""
        return self.spec.lanes

    @property
    def cycles(self) -> int:
        """Predicted clock cycles from the result of one frame to that of the next."""
        return self.spec.cycles

    @property
    def clock_mhz(self) -> float | None:
        """The planned clock in MHz, as the board's PLL makes it; None where no board and no clock is given."""
        return None if self._clock is None else self._clock / 1e6

    @property
    def fps(self) -> float | None:
        """Predicted frames a second of the engines at that clock; ``host`` has what the link leaves of it."""
        return None if self._clock is None else self._clock / self.cycles

    @property
    def resources(self) -> Resources:
        """Predicted ``luts``, ``block_rams`` and ``multipliers``: of a board's FPGA with the link, else of the engines in an ECP5."""
        return self._target.resources(self.spec, self.model.quantized) if self._target else total(estimate(self.spec))

    @property
    def available(self) -> Resources | None:
        """What the board's FPGA has; None without a board."""
        return self._target.board.device.resources if self._target else None

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines, in the order of the pipeline."""
        keys = ("name", "lanes", "cycles", "busy_cycles", "macs", "rom_bits")
        return tuple(
            Engine(layers=tuple(entry["layers"]), **{key: entry[key] for key in keys}) for entry in plan_report(self.spec)["engines"]
        )

    @property
    def host(self) -> dict[str, EndToEnd]:
        """Frames a second and latency in milliseconds that a host sees, by link of the board (``uart``, ``usb``); empty without a board."""
        if self._target is None:
            return {}
        board, clock = self._target.board, self._target.clock
        return {link: end_to_end(self.spec, board.carrier(link, clock), clock) for link in board.links}

    def report(self) -> dict[str, Any]:
        """The plan as a JSON document, that of `firebrick verilog --json`."""
        return plan_report(self.spec)

    def write_verilog(
        self,
        folder: PathLike,
        *,
        name: str = TOP,
        interface: str = "native",
        bus_width: int | None = None,
        core_clock: bool = False,
        images: PathLike | Iterable[PathLike] | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write the accelerator as a core: a folder to put into your own design, as `firebrick verilog` does. Returns the folder.

        Args:
            folder: gets README.md, which describes all other files: Verilog, benches, constraints, a C header, report.json.
            name: what the names of modules and files begin with, by which a design may have several cores.
            interface: ``native`` (streams alone), ``axi`` (AXI4-Stream with registers on AXI4-Lite) or ``wishbone`` (with registers on
                Wishbone).
            bus_width: bits of AXI4-Stream's TDATA, 8 to 128; 32 by default.
            core_clock: give the accelerator a clock of its own, apart from that of the bus.
            images: pictures for the benches; photographs of scikit-image or drawn pictures by default.
            progress: called with each step, how much of it is done, and the total.

        Raises:
            FirebrickError: there is no such interface or width, the plan has fast lanes, the name is no identifier or a word of Verilog,
                the folder cannot be written to, or an image cannot be read.
        """
        output, paths, bus = as_path(folder), image_paths(images), bus_options(interface, bus_width, core_clock)
        frequency = self.clock_mhz or DEFAULT_FREQUENCY
        model, progress = self.model.quantized, progress or no_progress
        write_core(model, self.spec, output, frequency=frequency, name=name, bus=bus, images=paths, progress=progress)
        return output

    def build(
        self,
        folder: PathLike | None = None,
        *,
        seed: int = 1,
        more_seeds: Sequence[int] = (),
        jobs: int | None = None,
        placer: str = "heap",
        router: str | None = None,
        simulate: bool = False,
        progress: Progress | None = None,
    ) -> "Bitstream":
        """Build the bitstream for the plan's board, as `firebrick bitstream` does: minutes for a small network, up to an hour.

        Products of earlier builds in the folder are reused where nothing that they depend on has changed. If neither ``clock_mhz`` nor
        ``fps`` was asked for and the usual clock is not met, a little less than what is met is built.

        Args:
            folder: gets the bitstream, the model, reports, and the locations of the weights; ``build/BOARD`` by default.
            seed: where placement starts from.
            more_seeds: others to try; the fastest result is kept.
            jobs: seeds to place and route in parallel; the number of processor cores by default.
            placer: nextpnr's: ``heap``, ``static`` or ``sa``.
            router: nextpnr's: ``router1`` or ``router2``; by FPGA family by default.
            simulate: first stream photographs through the simulated plan, and stop unless all scores are the golden model's.
            progress: called with each step, how much of it is done, and the total.

        Raises:
            FirebrickError: the plan has no board, a tool is missing or fails, or the clock is not met.
        """
        from .bitstream import Bitstream, build_bitstream, measured_cycles
        from .hw.flows.options import Options

        target = self._target
        if target is None:
            raise FirebrickError("a plan for a number of lanes has no board to build for; make it with plan(board=...)")
        target.board.check_tools()
        for name, number in (("seed", seed), *(("more_seeds", one) for one in more_seeds)):
            check_count(name, number, 0)
        check_count("jobs", 1 if jobs is None else jobs)
        output = Path("build") / target.board.name if folder is None else as_path(folder)
        show = progress or no_progress
        cycles = measured_cycles(self.model.quantized, self.spec, show) if simulate else None
        options = Options(
            *(target.clock, seed, placer, router or "", tuple(more_seeds), jobs or os.cpu_count() or 1, target.link),
            cycles=cycles,
            reloadable=target.reloadable,
        )
        build_bitstream(
            self.spec, self.model.quantized, target.board.name, options, output, flexible_clock=self._flexible_clock, progress=show
        )
        return Bitstream(output)


def plan_model(
    model: Model,
    *,
    lanes: int | None = None,
    board: str | None = None,
    link: str | None = None,
    clock_mhz: float | None = None,
    fps: float | None = None,
    reloadable: bool = False,
    fast_lanes: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Plan a model's accelerator: the fastest with a number of multipliers, or the fastest that fits a board.

    Args:
        model: the model.
        lanes: multipliers in all, without a board; 320 by default.
        board: a board that `firebrick boards` lists.
        link: ``uart`` or ``usb``; the board's first by default.
        clock_mhz: the clock; the usual one of the board's FPGA family by default.
        fps: the smallest plan for the board that reaches so many frames a second, instead of the fastest.
        reloadable: keep all weights in block RAM, so that `firebrick swap` can reload them.
        fast_lanes: run lanes of convolutions at twice the clock where that is faster, on a board with an ECP5.
        progress: called with each step.

    Raises:
        FirebrickError: the board is unknown or has no fast lanes, the model does not fit, ``fps`` is not reached, or the lanes do not
            suffice.
    """
    for name, number in (("clock_mhz", clock_mhz), ("fps", fps)):
        if number is not None:
            check_positive(name, number)
    show = progress or no_progress
    show("planning")
    clock = clock_mhz * 1e6 if clock_mhz else None
    if board is None:
        if link or fps or reloadable or fast_lanes:
            raise FirebrickError("link, fps, reloadable and fast_lanes are for boards; give board, too")
        lanes = DEFAULT_LANES if lanes is None else lanes
        check_count("lanes", lanes)
        return Plan(model, compile_model(model.quantized, lanes), clock=clock, target=None)
    if lanes is not None:
        raise FirebrickError("lanes and board are two ways to say how large a plan may be; give one")
    from .hw.boards.target import find_target

    target = find_target(board, link=link, frequency=clock, reloadable=reloadable, fast_lanes=fast_lanes)
    spec = target.plan(model.quantized, fps)
    return Plan(model, spec, clock=target.clock, target=target, flexible_clock=clock is None and fps is None)


def board_names() -> tuple[str, ...]:
    """Names of the boards whose bitstreams are made with open tools, sorted; `firebrick boards` says more of them and lists the others.

    Raises:
        FirebrickError: amaranth-boards, of the extra ``bitstream``, is not installed.

    Examples:
        >>> "ulx3s_85f" in firebrick.board_names()
        True
    """
    from .hw.boards.registry import boards

    return tuple(board.name for board in boards().values() if board.has_open_tools and not board.lacks)
