# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the files of its core."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...sw.compiler.lowering import compile_model
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.plan.report import plan_report
from ...sw.utils.distribution import VERSION
from ...sw.utils.progress import Progress, no_progress
from ..accelerator import Accelerator
from ..codegen.top import Top
from ..codegen.verilog import verilog_with_roms
from ..module_names import TOP
from ..weights.rom_contents import RomParameters
from .c_names import c_string
from .description import CoreDescription
from .golden_vectors import GoldenVectors

TEMPLATES = {
    "README.md": "README.md.j2",
    "firebrick.f": "firebrick.f.j2",
    "firebrick.core": "firebrick.core.j2",
    "component.xml": "component.xml.j2",
    "firebrick.h": "firebrick.h.j2",
    "rtl/firebrick_stream.v": "firebrick_stream.v.j2",
    "lint/firebrick.vlt": "firebrick.vlt.j2",
    "constraints/firebrick.sdc": "firebrick.sdc.j2",
    "constraints/firebrick.xdc": "firebrick.xdc.j2",
    "constraints/firebrick.lpf": "firebrick.lpf.j2",
    "tb/firebrick_tb.v": "firebrick_tb.v.j2",
    "tb/test_firebrick.py": "test_firebrick.py.j2",
}
"""The files that are made from templates."""

FILE_SETS = {
    "rtl": (("rtl/firebrick.v", "verilogSource"), ("rtl/firebrick_stream.v", "verilogSource")),
    "bench": (("tb/firebrick_tb.v", "verilogSource"), ("tb/pictures.hex", "hex"), ("tb/scores.hex", "hex")),
    "constraints": (("constraints/firebrick.xdc", "xdc"), ("constraints/firebrick.sdc", "sdc"), ("constraints/firebrick.lpf", "lpf")),
    "software": (("firebrick.h", "cSource"),),
    "documentation": (("README.md", "markdown"),),
}
"""The sets of files that IP-XACT lists: names and types."""
VIEWS = (
    ("synthesis", "synthesis", ("rtl", "constraints")),
    ("simulation", "simulation", ("rtl",)),
    ("bench", "simulation", ("rtl", "bench")),
)
"""The views of the component in IP-XACT: name, kind, sets of files."""


def core_files(
    model: Model, lanes: int | Plan, vectors: GoldenVectors, *, frequency: float, progress: Progress = no_progress
) -> tuple[dict[str, str], dict[str, Any]]:
    """The files of a model's core by their paths in its folder, and its report.

    The same arguments give the same bytes.

    Parameters
    ----------
    model: the model
    lanes: multipliers in the whole network, or a plan of the model
    vectors: what the benches send and expect
    frequency: the clock in MHz that throughput is stated at and that the constraints ask for
    progress: called with the name of each step

    Raises FirebrickError if the lanes do not suffice.
    """
    progress("planning")
    core = CoreDescription(model, lanes if isinstance(lanes, Plan) else compile_model(model, lanes), frequency)
    progress("writing Verilog")
    text = verilog_with_roms(Top(component=Accelerator(plan=core.plan)), TOP, RomParameters())
    report = plan_report(core.plan)
    return {"rtl/firebrick.v": text, **files_around(core, vectors), "report.json": json.dumps(report, indent=2) + "\n"}, report


def files_around(core: CoreDescription, vectors: GoldenVectors) -> dict[str, str]:
    """All files of a core but the accelerator's own Verilog and the report."""
    context = {"core": core, "model": core.model, "vectors": vectors, "release": VERSION, "file_sets": FILE_SETS, "views": VIEWS}
    return {
        **{path: _environment(path).get_template(name).render(context) for path, name in TEMPLATES.items()},
        "tb/pictures.hex": vectors.pixel_file(),
        "tb/scores.hex": vectors.score_file(core.score_bits),
        **dict(_diagrams()),
    }


def _diagrams() -> Iterator[tuple[str, str]]:
    """The timing diagrams: WaveJSON and what the package wavedrom draws from it."""
    for file in sorted(files(__package__).joinpath("diagrams").iterdir(), key=lambda file: file.name):
        yield f"doc/{file.name}", file.read_text(encoding="utf-8")


def _environment(path: str) -> Environment:
    """Templates of a kind of file: names are escaped in XML, and nowhere else."""
    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=path.endswith(".xml"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["c_string"] = c_string
    return environment
