# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The process of one reader for `make fuzz`: guided by Atheris, or with plain mutations under coverage.py."""

import argparse
import contextlib
import hashlib
import io
import json
import random
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from .check import Tally, Target

ROOT = Path(__file__).parents[2]
BYTES_MAX = 1 << 20
"""Size of the inputs that Atheris makes."""


def keep(folder: Path, kind: str, data: bytes) -> Path:
    """Write an input to a folder, named after its contents."""
    path = folder / kind / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def guided(name: str, folder: Path, seconds: int, seed: int) -> None:
    """Let Atheris look for inputs that reach new code of a reader; does not return."""
    import atheris

    with atheris.instrument_imports(include=["firebrick"]):
        from .targets import TARGETS
    target, tally = TARGETS[name], Tally()
    seeds = list(target.seeds())
    for data in seeds:
        keep(folder, "corpus", data)

    def one(data: bytes) -> None:
        known = len(tally.findings)
        with contextlib.redirect_stderr(io.StringIO()):
            tally.record(target, data)
        if len(tally.findings) > known:
            keep(folder, "findings", data)

    def mutate(data: bytes, max_size: int, number: int) -> bytes:
        return target.mutator(random.Random(number), data, seeds)[:max_size]

    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed + 1}",
        f"-max_len={BYTES_MAX}",
        "-rss_limit_mb=4096",
        "-timeout=60",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(folder / "corpus")], one, custom_mutator=mutate)
    atheris.Fuzz()


def measured(name: str, folder: Path, seconds: float, seed: int) -> dict[str, Any]:
    """A reader's row for the table: what it did with all kept inputs and as many mutations as time allows, and the coverage of its code."""
    import coverage

    measurement = coverage.Coverage(data_file=None, include=[f"*/{path.split('/', 1)[0]}/*" for path in ("sw/", "hw/")], config_file=False)
    measurement.start()
    from .targets import TARGETS

    target, tally = TARGETS[name], Tally()
    kept = [path.read_bytes() for kind in ("corpus", "findings") for path in sorted(folder.glob(f"{kind}/*"))]
    current = folder / "current"  # if the process dies, this is why
    current.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    for data in chain(target.seeds(), kept, mutations(target, seed)):
        current.write_bytes(data)
        with contextlib.redirect_stderr(io.StringIO()):
            tally.record(target, data)
        if time.monotonic() > end:
            break
    measurement.stop()
    current.unlink()
    return {
        "inputs": tally.inputs,
        "accepted": tally.accepted,
        "refused": tally.refused,
        "coverage": line_coverage(measurement, target),
        "slowest": tally.slowest,
        "megabytes": tally.megabytes,
        "findings": [f"{text}; the input is {keep(folder, 'findings', data)}" for text, data in tally.findings],
    }


def mutations(target: Target, seed: int) -> Iterator[bytes]:
    """See `inputs`, which is imported late so that Atheris sees all of the readers' imports."""
    from .inputs import inputs

    return inputs(target, seed)


def line_coverage(measurement: Any, target: Target) -> float:
    """Percentage of the lines of a reader's source files that ran, those that run on import included."""
    total = missed = 0
    for path in sorted({path.resolve() for pattern in target.sources for path in ROOT.glob(pattern)}):
        _, statements, _, missing, _ = measurement.analysis2(str(path))
        total, missed = total + len(statements), missed + len(missing)
    return 100 * (1 - missed / max(total, 1))


def main() -> None:
    """Run one reader as the arguments say; the last line of the output is its row in JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--guided", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.guided is not None:
        guided(options.name, options.folder, options.guided, options.seed)
    else:
        print(json.dumps(measured(options.name, options.folder, options.seconds, options.seed)))


if __name__ == "__main__":
    main()
