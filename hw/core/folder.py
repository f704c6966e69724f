# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to the files of its core."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...sw.compiler.lowering import compile_model
from ...sw.errors import FirebrickError
from ...sw.link.register_map import ADDRESS_BITS, INTERFACE_VERSION, MAGIC, REGISTERS
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.plan.report import plan_report
from ...sw.utils.distribution import VERSION
from ...sw.utils.progress import Progress, no_progress
from ..accelerator import Accelerator
from ..bus.top import BusOptions, BusTop
from ..codegen.bus_verilog import bus_top
from ..codegen.top import Top
from ..codegen.verilog import verilog_with_roms
from ..module_names import TOP
from ..weights.rom_contents import RomParameters
from .c_names import c_string
from .description import CoreDescription
from .golden_vectors import GoldenVectors
from .interface import bus_interface, stream_interface
from .ip_xact import VIEWS, bus_interfaces, file_sets
from .names import check_core_name

TEMPLATES = {
    "README.md": "README.md.j2",
    "{name}.f": "firebrick.f.j2",
    "{name}.core": "firebrick.core.j2",
    "component.xml": "component.xml.j2",
    "{name}.h": "firebrick.h.j2",
    "lint/{name}.vlt": "firebrick.vlt.j2",
    "constraints/{name}.sdc": "firebrick.sdc.j2",
    "constraints/{name}.xdc": "firebrick.xdc.j2",
    "constraints/{name}.lpf": "firebrick.lpf.j2",
    "tb/{name}_tb.v": "firebrick_tb_{kind}.v.j2",
    "tb/test_{name}.py": "test_firebrick_{kind}.py.j2",
}
"""The files that are made from templates, by paths with the core's name; some differ between streams and a bus."""

STREAM_TEMPLATES = {
    "rtl/{name}_stream.v": "firebrick_stream.v.j2",
    "litex/{name}_litex.py": "firebrick_litex.py.j2",
    "litex/simulation.py": "litex_simulation.py.j2",
    "litex/litex_bench.py": "litex_bench.py.j2",
}
"""Those of a core with plain streams alone."""


def core_files(
    model: Model,
    lanes: int | Plan,
    vectors: GoldenVectors,
    *,
    frequency: float,
    name: str = TOP,
    bus: BusOptions | None = None,
    progress: Progress = no_progress,
) -> tuple[dict[str, str], dict[str, Any]]:
    """The files of a model's core by their paths in its folder, and its report.

    The same arguments give the same bytes.

    Parameters
    ----------
    model: the model
    lanes: multipliers in the whole network, or a plan of the model
    vectors: what the benches send and expect
    frequency: the clock in MHz that throughput is stated at and that the constraints ask for
    name: what the names of its modules and files begin with, by which a design may have several cores
    bus: which bus; None for plain streams
    progress: called with the name of each step

    Raises FirebrickError if the lanes do not suffice, the plan has fast lanes, or the name is no identifier.
    """
    check_core_name(name)
    progress("planning")
    plan = lanes if isinstance(lanes, Plan) else compile_model(model, lanes)
    if plan.fast:
        raise FirebrickError("a core has one clock, and some lanes of this plan run at twice its clock; plan it without fast lanes")
    progress("writing Verilog")
    report = plan_report(plan)
    top: Top | BusTop
    if bus is None:
        interface, module = stream_interface(plan.global_sum, name), name
        top = Top(component=Accelerator(plan=plan))
    else:
        interface, report = bus_interface(bus, name), {**report, "bus": vars(bus)}
        top, module = bus_top(model, plan, bus), interface.module
    core = CoreDescription(model, plan, interface, frequency)
    text = verilog_with_roms(top, module, RomParameters(f"{name}_rom"))
    return {interface.generated: text, **files_around(core, vectors), "report.json": json.dumps(report, indent=2) + "\n"}, report


def files_around(core: CoreDescription, vectors: GoldenVectors) -> dict[str, str]:
    """All files of a core but the generated Verilog and the report."""
    context = {
        "core": core,
        "prefix": core.interface.name,
        "macro": core.interface.name.upper(),
        "model": core.model,
        "vectors": vectors,
        "release": VERSION,
        "file_sets": file_sets(core.interface),
        "views": VIEWS,
        "bus_interfaces": bus_interfaces(core.interface),
        "labels": [best for _, best in vectors.best()],
        "registers": REGISTERS,
        "offsets": {register.name: register.offset for register in REGISTERS},
        "address_bits": ADDRESS_BITS,
        "magic": MAGIC,
        "interface_version": INTERFACE_VERSION,
    }
    name, kind = core.interface.name, core.interface.kind
    templates = TEMPLATES | ({} if core.interface.bus else STREAM_TEMPLATES)
    return {
        **{
            path.format(name=name): _environment(path).get_template(template.format(kind=kind)).render(context)
            for path, template in templates.items()
        },
        "tb/pictures.hex": vectors.pixel_file(),
        "tb/scores.hex": vectors.score_file(core.score_bits),
        **dict(_diagrams(kind)),
    }


def _diagrams(kind: str) -> Iterator[tuple[str, str]]:
    """The timing diagrams for streams or for a bus: WaveJSON and what the package wavedrom draws from it."""
    for file in sorted(files(__package__).joinpath("diagrams", kind).iterdir(), key=lambda file: file.name):
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
