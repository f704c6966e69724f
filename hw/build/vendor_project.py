# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is left to do where a vendor's tools make the bitstream: their project, and a run of them where they are."""

from pathlib import Path
from typing import Any

from ...sw.utils.atomic_files import write_atomically
from ...sw.utils.progress import Progress
from ..eda.runner import ToolStep
from ..flows.vendor import BUILD_SCRIPT, VendorFlow, missing_tools


def build_vendor_project(sources: Any, platform: Any, flow: VendorFlow, output: Path, progress: Progress) -> dict[str, Any]:
    """Write a project (a build plan of Amaranth's) to OUTPUT/project, and its bitstream to OUTPUT where the tools are on the PATH.

    Returns what the report says of it: ``project``, the folder, ``bitstream``, the file or None, and ``install``, what to install for
    it. Raises FirebrickError where a tool fails.
    """
    folder = output / "project"
    for name, content in sources.files.items():
        write_atomically(folder / name, content if isinstance(content, bytes) else content.encode())
    said = {"project": folder.name, "bitstream": None, "install": flow.tools}
    if missing_tools(platform):
        return said
    made = ToolStep(
        f"the run of {platform.toolchain}", ["sh", BUILD_SCRIPT], [folder / name for name in sources.files], [flow.bitstream]
    ).run(output / "steps" / "project", progress)
    write_atomically(output / flow.bitstream, made[flow.bitstream].read_bytes())
    return {**said, "bitstream": flow.bitstream, "install": None}
