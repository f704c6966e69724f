# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The clock crossings of a design in RTLIL, by Yosys."""

import json
import subprocess
from pathlib import Path

from firebrick.hw.eda.tool_paths import tool_command
from firebrick.hw.verify.clock_crossings import PREPARATION, Crossing, clock_crossings


def crossings_of(design: str, folder: Path) -> list[Crossing]:
    """The crossings of a design in RTLIL."""
    (folder / "design.il").write_text(design)
    (folder / "script.ys").write_text("\n".join(("read_rtlil design.il", *PREPARATION, "write_json design.json")) + "\n")
    subprocess.run([*tool_command("yosys"), "script.ys"], cwd=folder, check=True, capture_output=True)
    return clock_crossings(json.loads((folder / "design.json").read_text()))
