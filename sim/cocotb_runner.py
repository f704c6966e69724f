# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Builds a bench with cocotb's runner and runs it. It is a process of its own, since the runner takes its settings from the environment.

``sim/bench_runner.py`` prepares a folder, starts ``python -m firebrick.sim.cocotb_runner`` in it and writes its output to a log.
"""

import os
import shutil
from pathlib import Path

from cocotb_tools.runner import Verilator

from .verilator import COMMAND

TOP = "bench"
PORTS = "ports.vlt"
RESULTS = "results.xml"
RUNTIME = "runtime"
"""A file with the path of the folder in which all benches share the compiled parts of Verilator's runtime."""


class FastVerilator(Verilator):
    """cocotb's Verilator with shorter builds and faster simulations.

    Only the ports of the design are accessible (PORTS lists them) instead of every signal, so Verilator can optimise the rest away. The
    compiled parts of its runtime are copied from an earlier bench.
    """

    def _build_command(self) -> list[list[str]]:
        verilate, make = ([word for word in command if word != "--public-flat-rw"] for command in super()._build_command())
        objects = sorted(_runtime().glob("verilated*.o"))
        copies = [["cp", *map(str, objects), "."]] if objects else []  # after Verilator has written the makefile, on which they depend
        return [verilate, *copies, make]


def main() -> None:
    """Builds and runs in the current folder."""
    runner = FastVerilator()
    if not Path(TOP).exists():
        _build(runner)
    environment = {"FIREBRICK_CASE": "case.json", "FIREBRICK_RESULT": "measured.json"}
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # with it set, the runner would evaluate the results itself
    runner.test(
        test_module="firebrick.sim.cocotb_bench",
        hdl_toplevel=TOP,
        hdl_toplevel_lang="verilog",
        build_dir=".",
        extra_env=environment,
        results_xml=RESULTS,
    )


def _build(runner: FastVerilator) -> None:
    """Compiles the Verilog to a program."""
    options = [*(word for word in COMMAND if word.startswith("-W")), "--output-split", "0"]
    runner.build(sources=[PORTS, f"{TOP}.v"], hdl_toplevel=TOP, build_dir=".", build_args=options, always=True)
    runtime = _runtime()
    if not runtime.exists():
        partial = runtime.with_name(f"{runtime.name}.{os.getpid()}")
        partial.mkdir(parents=True)
        for object_file in Path().glob("verilated*.o"):
            shutil.copyfile(object_file, partial / object_file.name)
        partial.rename(runtime)


def _runtime() -> Path:
    return Path(Path(RUNTIME).read_text())


if __name__ == "__main__":
    main()
