# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a plan to a bitstream for a board, with a report: the sequence of steps."""

from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.utils.atomic_files import remove_partial_files, write_atomically
from ...sw.utils.file_lock import locked
from ...sw.utils.progress import Progress
from ..boards.registry import board
from ..flows.options import Options
from ..flows.vendor import VendorFlow
from .reports import BuildReport, VendorReport, vendor_report
from .steps import (
    BuildJob,
    check_resources,
    check_timing,
    generate,
    pack,
    place_and_route,
    synthesise,
    tool_usage,
    write_rom_map,
)
from .vendor_project import build_vendor_project


def build(
    plan: Plan, model: Model, name: str, options: Options, output: Path, progress: Progress, executor: Executor | None = None
) -> BuildReport | VendorReport:
    """Build the bitstream of a model's plan for the board NAME into a folder, with report.json; products of earlier runs are reused.

    Of several processes that build into one folder, one builds and the others wait. If the plan does not fit, synthesis.json has its
    resources; if it is too slow, timing.json has its Fmax. Place and route runs in ``executor`` if there is one, ``options.jobs`` seeds at
    a time.

    Raises FirebrickError if the board lacks the link, the plan needs more than the board has or a tool fails, and TooSlowError if the
    timing is not met.
    """
    target = board(name)
    options = replace(options, frequency=target.clock_for(options.frequency, fast=plan.fast))
    job = BuildJob(plan, model, target, options, output, progress, executor)

    with ExitStack() as stack:
        try:
            job.cache.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(job.cache, progress))
        except OSError as error:
            raise FirebrickError(f"cannot write to {output}: {error.strerror}; name an output folder that you can write to") from error
        remove_partial_files(output)
        remove_partial_files(job.cache)
        return _build(job)


def _build(job: BuildJob) -> BuildReport | VendorReport:
    flow = job.flow
    design = generate(job)
    synthesis = synthesise(job, design)
    check_resources(job, synthesis)
    report: BuildReport | VendorReport
    if isinstance(flow, VendorFlow):
        result = build_vendor_project(design.sources, design.platform, flow, job.output, job.progress)
        report = vendor_report(synthesis.report, job.options, result)
    else:
        placement = place_and_route(job, flow, synthesis)
        check_timing(job, placement)
        packed = pack(job, flow, design, placement)
        if flow.verifiable:
            write_rom_map(job, design, synthesis, placement)
        write_atomically(job.output / flow.bitstream, packed[flow.bitstream].read_bytes())
        report = {**placement.report, "steps": tool_usage(synthesis.products, placement.products, packed)}
    job.write_json("report.json", report)
    return report
