# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The steps from a plan to a bitstream. Each takes what the steps before it made, and names what it makes."""

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.fpga.resources import Resources, deficit
from ...sw.link.identity import describe_device
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.utils.atomic_files import write_atomically
from ...sw.utils.progress import Progress
from ..boards.board_top import BoardTop
from ..boards.registry import Board
from ..boards.standalone_ports import StandalonePorts, check_peripherals
from ..eda.router_log import clock_pin_advice, timing_does_not_converge
from ..eda.runner import USAGE_FILE, ToolStep
from ..flows.base import OpenFlow
from ..flows.options import Options
from ..flows.vendor import VendorFlow
from ..module_names import DESCRIPTOR_MEMORY, NODE_MODULE_PREFIX, TOP
from ..verify.device_descriptor import locate_descriptor
from ..verify.netlist import Netlist
from ..verify.rom_map import rom_map
from .clock_timing import failing_clocks, fmax_mhz
from .reports import SeedReport, SynthesisReport, TimingReport, synthesis_report, timing_report
from .seed_sweep import sweep_seeds
from .yosys_script import synthesis_script


class TooSlowError(FirebrickError):
    """A design does not meet its clock."""

    def __init__(self, message: str, fmax: float) -> None:
        super().__init__(message)
        self.fmax = fmax
        """The clock that it meets, in Hz."""


@dataclass(frozen=True)
class BuildJob:
    """What to build, how and where."""

    plan: Plan
    model: Model
    board: Board
    options: Options
    """With the frequency that the board's PLL makes."""
    output: Path
    progress: Progress
    executor: Executor | None

    @property
    def link(self) -> str:
        """The link to the host, ``uart`` or ``usb``."""
        return self.board.link(self.options.link)

    @property
    def flow(self) -> OpenFlow | VendorFlow:
        """The flow of the board, or that of designs with lanes at twice the clock."""
        return self.board.fast_flow if self.plan.fast else self.board.flow

    @property
    def constraint_hz(self) -> float:
        """The clock constraint for place and route."""
        return self.options.frequency * self.flow.overconstraint

    @property
    def cache(self) -> Path:
        """The folder with the products of steps."""
        return self.output / "steps"

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a report to the output folder."""
        write_atomically(self.output / name, (json.dumps(document, indent=2) + "\n").encode())


@dataclass(frozen=True)
class Design:
    """The generated design."""

    platform: Any
    """The Amaranth platform, elaborated."""
    sources: Any
    """The Amaranth build plan: the files of the design, of constraints and of the vendor's project."""


@dataclass(frozen=True)
class Synthesis:
    """The synthesised design."""

    products: Mapping[str, Path]
    report: SynthesisReport


@dataclass(frozen=True)
class Placement:
    """The placed and routed design, from the best seed."""

    products: Mapping[str, Path]
    timing: Mapping[str, Any]
    """nextpnr's report."""
    report: TimingReport


def generate(job: BuildJob) -> Design:
    """Elaborate the board's top into RTLIL or Verilog, constraints and, for a vendor's tools, a project."""
    job.progress("generating")
    flow, options = job.flow, job.options
    peripherals, board = options.peripherals, job.board
    check_peripherals(peripherals, board.name, board.device.family)
    top = BoardTop(
        plan=job.plan,
        model=job.model,
        flow=flow,
        frequency=options.frequency,
        link=job.link,
        reloadable=options.reloadable,
        ports=StandalonePorts(peripherals=peripherals, board=board.name) if peripherals.any else None,
    )
    platform = job.board.platform()
    # Without source locations, so that the design, and with it the cache key, is the same wherever Firebrick is installed.
    sources = platform.prepare(top, name=TOP, emit_src=False)
    for file in (flow.design, *([flow.constraints] if isinstance(flow, OpenFlow) else [])):
        content = sources.files[file]
        write_atomically(job.cache / file, content if isinstance(content, bytes) else content.encode())
    return Design(platform, sources)


def synthesise(job: BuildJob, design: Design) -> Synthesis:
    """Map the design to cells with Yosys; writes synthesis.json."""
    flow = job.flow
    script = synthesis_script(flow.design, TOP, NODE_MODULE_PREFIX, flow.synthesis(design.platform), write_netlist=True)
    write_atomically(job.cache / f"{TOP}.ys", script.encode())
    step = ToolStep(
        "synthesis",
        ["yosys", f"{TOP}.ys"],
        [job.cache / f"{TOP}.ys", job.cache / flow.design],
        [f"{TOP}.json", f"{TOP}.stat.json"],
    )
    products = step.run(job.cache / "synthesis", job.progress)
    statistics = json.loads(products[f"{TOP}.stat.json"].read_text())
    report = synthesis_report(job.plan, job.model, job.board, job.options, job.link, statistics)
    job.write_json("synthesis.json", report)
    return Synthesis(products, report)


def check_resources(job: BuildJob, synthesis: Synthesis) -> None:
    """Raises FirebrickError if the design needs more than the FPGA has."""
    if missing := deficit(job.board.device.resources, Resources(**synthesis.report["actual"])):
        raise FirebrickError(
            f"the plan does not fit {job.board.name}: it needs {missing}; give fewer lanes, a smaller model or another board"
        )


def place_and_route(job: BuildJob, flow: OpenFlow, synthesis: Synthesis) -> Placement:
    """Place and route with nextpnr from each seed, and keep the fastest result."""
    netlist = flow.finished_netlist(synthesis.products[f"{TOP}.json"], job.cache / "netlist")

    def run(seed: int, progress: Progress) -> dict[str, Path]:
        platform, options = job.board.platform(), replace(job.options, seed=seed)
        step = ToolStep(
            f"place and route with seed {seed}",
            [flow.nextpnr, *flow.nextpnr_arguments(platform, options)],
            [netlist, job.cache / flow.constraints],
            [flow.routed, f"{TOP}.timing.json", *([f"{TOP}.routed.json"] if flow.verifiable else [])],
            [flow.nextpnr, *flow.nextpnr_arguments(platform, options, timing_rip_up=False)],
            timing_does_not_converge if flow.timing_rip_up else None,
        )
        try:
            return step.run(job.cache / "routing", progress, job.executor)
        except FirebrickError as error:
            raise FirebrickError(f"{error}{clock_pin_advice(str(error))}") from error

    def timing_of(products: Mapping[str, Path]) -> dict[str, Any]:
        timing: dict[str, Any] = json.loads(products[f"{TOP}.timing.json"].read_text())
        return timing

    def rate(products: Mapping[str, Path]) -> float:
        return fmax_mhz(timing_of(products), job.constraint_hz, fast=job.plan.fast)

    options = job.options
    results = sweep_seeds(run, rate, (options.seed, *options.more_seeds), options.jobs, job.progress)
    products = results[0].routed
    assert products is not None  # sweep_seeds raises if all seeds fail
    timing = timing_of(products)
    seeds: list[SeedReport] = [{"seed": result.seed, "fmax_mhz": round(result.fmax_mhz, 3)} for result in results]
    report = timing_report(synthesis.report, flow, options, seeds, timing, job.constraint_hz, fast=job.plan.fast)
    return Placement(products, timing, report)


def check_timing(job: BuildJob, placement: Placement) -> None:
    """Raises TooSlowError, after writing timing.json, if the accelerator misses its clock, FirebrickError if another clock does."""
    report = placement.report
    if report["fmax_mhz"] < report["frequency_mhz"]:
        job.write_json("timing.json", report)
        count = len(report["seeds"])
        seeds = f"seed {report['seed']}, the best of {count}" if count > 1 else f"seed {report['seed']}"
        raise TooSlowError(
            f"frequency must be at most {report['fmax_mhz']:.1f} MHz with {seeds}, not {report['frequency_mhz']:.1f}; "
            "ask for less or try other seeds",
            report["fmax_mhz"] * 1e6,
        )
    if failing := failing_clocks(placement.timing, job.constraint_hz, fast=job.plan.fast):
        raise FirebrickError(f"a clock beside the accelerator's is too slow with seed {report['seed']}, {failing}; try other seeds")


def pack(job: BuildJob, flow: OpenFlow, design: Design, placement: Placement) -> Mapping[str, Path]:
    """Make the bitstream from the routed design."""
    step = ToolStep("packing", [flow.packer, *flow.packer_arguments(design.platform)], [placement.products[flow.routed]], [flow.bitstream])
    return step.run(job.cache / "packing", job.progress)


def write_rom_map(job: BuildJob, design: Design, synthesis: Synthesis, placement: Placement) -> None:
    """Write where in the bitstream the ROMs are, and the device descriptor of a reloadable one: for read-back verification and reload."""
    job.progress("locating the ROMs")
    documents = (json.loads(path.read_text()) for path in (placement.products[f"{TOP}.routed.json"], synthesis.products[f"{TOP}.json"]))
    netlist = Netlist(*documents)
    roms = rom_map(job.plan, netlist, design.platform.device, NODE_MODULE_PREFIX)
    if job.options.reloadable:
        size = len(describe_device(job.model, job.plan, job.options.frequency).encode())
        roms["identity"] = locate_descriptor(netlist, DESCRIPTOR_MEMORY, size, job.model).as_dict()
    write_atomically(job.output / f"{TOP}.roms.json", json.dumps(roms, separators=(",", ":")).encode())


def tool_usage(*steps: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Time and memory of each step, by its products."""
    return [json.loads(products[USAGE_FILE].read_text()) for products in steps]
