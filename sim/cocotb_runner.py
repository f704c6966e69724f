# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Builds a bench with cocotb's runner and runs it; a process of its own, since the runner takes its settings from the environment.

``python -m firebrick.sim.cocotb_runner`` in the folder that sim/bench_runner.py has made ready; what it prints there goes to a log.
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
"""A file that names the folder where the compiled parts of Verilator's runtime are kept for all benches."""


class Bench(Verilator):
    """cocotb's Verilator, made faster.

    Only the ports of the design are accessible, as the file of ports says, instead of every signal, and the compiled parts of the
    runtime are taken from an earlier bench.
    """

    def _build_command(self) -> list[list[str]]:
        verilate, make = ([word for word in command if word != "--public-flat-rw"] for command in super()._build_command())
        made = sorted(_runtime().glob("verilated*.o"))
        copies = [["cp", *map(str, made), "."]] if made else []  # behind Verilator's makefile, on which they depend
        return [verilate, *copies, make]


def main() -> None:
    """Build and run in the current folder."""
    runner = Bench()
    if not Path(TOP).exists():
        _build(runner)
    environment = {"FIREBRICK_CASE": "case.json", "FIREBRICK_RESULT": "measured.json"}
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # with it the runner would judge the results itself
    runner.test(
        test_module="firebrick.sim.cocotb_bench",
        hdl_toplevel=TOP,
        hdl_toplevel_lang="verilog",
        build_dir=".",
        extra_env=environment,
        results_xml=RESULTS,
    )


def _build(runner: Bench) -> None:
    """Verilog to a program."""
    options = [*(word for word in COMMAND if word.startswith("-W")), "--output-split", "0"]
    runner.build(sources=[PORTS, f"{TOP}.v"], hdl_toplevel=TOP, build_dir=".", build_args=options, always=True)
    runtime = _runtime()
    if not runtime.exists():
        partial = runtime.with_name(f"{runtime.name}.{os.getpid()}")
        partial.mkdir(parents=True)
        for made in Path().glob("verilated*.o"):
            shutil.copyfile(made, partial / made.name)
        partial.rename(runtime)


def _runtime() -> Path:
    return Path(Path(RUNTIME).read_text())


if __name__ == "__main__":
    main()
