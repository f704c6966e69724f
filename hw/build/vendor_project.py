# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Bitstreams by a vendor's tools: their project is written, and they are run if they are installed."""

from pathlib import Path
from typing import Any

from ...sw.utils.atomic_files import write_atomically
from ...sw.utils.progress import Progress
from ..eda.runner import ToolStep
from ..flows.vendor import BUILD_SCRIPT, VendorFlow, missing_tools
from .reports import VendorResult


def build_vendor_project(sources: Any, platform: Any, flow: VendorFlow, output: Path, progress: Progress) -> VendorResult:
    """Write a project (an Amaranth build plan) to OUTPUT/project, and its bitstream to OUTPUT if the tools are on the PATH.

    Raises FirebrickError if a tool fails.
    """
    folder = output / "project"
    for name, content in sources.files.items():
        write_atomically(folder / name, content if isinstance(content, bytes) else content.encode())
    if missing_tools(platform):
        return {"project": folder.name, "bitstream": None, "install": flow.tools}
    step = ToolStep(f"the run of {platform.toolchain}", ["sh", BUILD_SCRIPT], [folder / name for name in sources.files], [flow.bitstream])
    products = step.run(output / "steps" / "project", progress)
    write_atomically(output / flow.bitstream, products[flow.bitstream].read_bytes())
    return {"project": folder.name, "bitstream": flow.bitstream, "install": None}
