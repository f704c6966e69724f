# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`make fuzz SECONDS=60`: every reader for its share of the time, each in a process of its own.

Where Atheris (libFuzzer) is installed, two thirds of the time go to it: it looks for inputs that reach new code, and keeps them as a
corpus. Then the corpus and plain mutations run under coverage.py. Inputs with findings are kept too, and the exit status is 1.
"""

import argparse
import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "fuzz"


def run_reader(name: str, seconds: float, seed: int, guided: bool) -> tuple[dict[str, object], list[str]]:
    """A reader's row for the table, and its findings."""
    command = [sys.executable, "-m", "tests.fuzz.reader", name, "--folder", str(FOLDER / name), "--seed", str(seed)]
    if guided:
        limit = seconds * 2 / 3
        subprocess.run([*command, "--guided", f"{limit:.0f}"], cwd=ROOT, capture_output=True, timeout=limit + 120, check=False)
        seconds -= limit
    result = subprocess.run(
        [*command, "--seconds", f"{seconds:.1f}"], cwd=ROOT, capture_output=True, text=True, timeout=seconds + 300, check=False
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        return {}, [f"{name}: the process ended with status {result.returncode} ({last[:200]}); the input is {FOLDER / name / 'current'}"]
    row = json.loads(result.stdout.strip().splitlines()[-1])
    return row, row.pop("findings")


def main() -> int:
    """Fuzz the readers, print a table, and give the exit status."""
    from .targets import TARGETS

    parser = argparse.ArgumentParser(description="Fuzz the readers of files and packets.")
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"default: all, {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60, help="for all readers together")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the plain mutations")
    options = parser.parse_args()
    names = options.readers or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"{unknown[0]} must be one of {', '.join(TARGETS)}")
    guided = find_spec("atheris") is not None and options.seconds / len(names) >= 3
    print(f"{len(names)} readers, seed {options.seed}, {'guided by Atheris, then ' if guided else ''}plain mutations")
    print(f"{'reader':<17}{'inputs':>9}{'accepted':>10}{'refused':>9}{'coverage':>10}{'slowest':>10}{'memory':>9}")
    findings = []
    for name in names:
        row, found = run_reader(name, options.seconds / len(names), options.seed, guided)
        findings += found
        if row:
            print(
                f"{name:<17}{row['inputs']:>9}{row['accepted']:>10}{row['refused']:>9}"
                f"{row['coverage']:>8.0f} %{row['slowest']:>8.2f} s{row['megabytes']:>6} MB",
                flush=True,
            )
    for finding in findings:
        print(f"FOUND {finding}")
    print(f"{len(findings)} findings" + (f"; inputs in {FOLDER.relative_to(ROOT)}" if findings else ""))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
