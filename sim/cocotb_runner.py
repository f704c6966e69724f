# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Builds a bench with cocotb's runner, or runs it. It is a process of its own, since the runner takes its settings from the environment.

``sim/bench_runner.py`` prepares a folder, starts ``python -m firebrick.sim.cocotb_runner`` in it and writes its output to a log.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from cocotb_tools.runner import Verilator

from ..sw.utils.verified_cache import VerifiedCache, is_intact
from .verilator import COMMAND

TOP = "bench"
PORTS = "ports.vlt"
FILE_NODES = 100_000
"""The size of a C++ file, in nodes of Verilator: benches of components get one, which compiles fastest, whole networks many."""
RESULTS = "results.xml"
MEASURED = "measured.json"
CASE = "case.json"


class FastVerilator(Verilator):
    """cocotb's Verilator with shorter builds and faster simulations.

    Only the ports of the design are accessible (PORTS lists them) instead of every signal, so Verilator can optimise the rest away. The
    compiled parts of its runtime are copied from an earlier bench.

    Args:
        runtime: the cache entry with those parts, which may be missing.
    """

    def __init__(self, runtime: Path) -> None:
        super().__init__()
        self._runtime = runtime

    def _build_command(self) -> list[list[str]]:
        verilate, make = ([word for word in command if word != "--public-flat-rw"] for command in super()._build_command())
        objects = sorted(self._runtime.glob("verilated*.o")) if is_intact(self._runtime) else []
        copies = [["cp", *map(str, objects), "."]] if objects else []  # after Verilator has written the makefile, on which they depend
        return [verilate, *copies, make]


def build(runtime: Path) -> None:
    """Compiles the Verilog in the current folder to a program, and keeps the compiled parts of Verilator's runtime for other benches."""
    options = [*(word for word in COMMAND if word.startswith("-W")), "--output-split", str(FILE_NODES)]
    FastVerilator(runtime).build(sources=[PORTS, f"{TOP}.v"], hdl_toplevel=TOP, build_dir=".", build_args=options, always=True)
    VerifiedCache(runtime.parent).entry(runtime.name, _copy_runtime)


def _copy_runtime(folder: Path) -> None:
    for object_file in Path().glob("verilated*.o"):
        shutil.copyfile(object_file, folder / object_file.name)


def run(output: Path) -> None:
    """Runs the program in the current folder on the case in another folder, which gets the results."""
    environment = {"FIREBRICK_CASE": str(output / CASE), "FIREBRICK_RESULT": str(output / MEASURED)}
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # with it set, the runner would evaluate the results itself
    Verilator().test(
        test_module=json.loads((output / CASE).read_text())["module"],
        hdl_toplevel=TOP,
        hdl_toplevel_lang="verilog",
        build_dir=".",
        extra_env=environment,
        results_xml=str(output / RESULTS),
    )


if __name__ == "__main__":
    {"build": build, "run": run}[sys.argv[1]](Path(sys.argv[2]))
