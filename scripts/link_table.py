# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Measures the link on the virtual board and rewrites the table of docs/live.md; compiling the board of SqueezeNet takes minutes."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "live.md"
START, END = "<!-- link -->\n", "<!-- /link -->\n"
COMMANDS = ("firebrick link --model digits --lanes 28 --frames 50", "firebrick link --model squeezenet1_1_small --lanes 108")
LATE = ("drop", "duplicate", "reorder", "delay")
"""Faults after which a packet is late or missing; others damage one."""
DAMAGED = ("corrupt", "truncate")
ROWS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("bytes of a frame and of its scores", lambda r: f"{r['wire']['frame_bytes']:,} and {r['wire']['score_bytes']:,}"),
    ("bytes on the wire, to the board and back", lambda r: f"{_bytes(r['wire']['sent'])} and {_bytes(r['wire']['received'])}"),
    ("protocol overhead", lambda r: f"{r['wire']['overhead_percent']:.1f} %"),
    ("cycles per frame in a stream", lambda r: f"{r['cycles']['frame']:,}"),
    ("frames per second of the engines", lambda r: _rate(r["engine_fps"])),
    ("frames per second over a UART at 3 Mbaud", lambda r: _carrier(r, "UART, 3 Mbaud")),
    ("frames per second over USB at full speed", lambda r: _carrier(r, "USB full speed")),
    ("frames per second over USB at high speed", lambda r: _carrier(r, "USB high speed")),
    ("latency of a single frame, from its first byte to its result, in cycles", lambda r: f"{r['cycles']['frame_alone']:,}"),
    ("latency of a poll and its answer, in cycles", lambda r: f"{r['cycles']['question']:,}"),
    ("CPU time on the host per frame, in ms", lambda r: f"{r['host_ms']:.2g}"),
    ("added latency after a lost or late packet, in cycles", lambda r: _recovery(r, LATE)),
    ("added latency after a damaged or truncated packet, in cycles", lambda r: _recovery(r, DAMAGED)),
    ("added latency after the cable is unplugged and plugged in again, in cycles", lambda r: _recovery(r, ("disconnect",))),
)


def table(reports: list[Any]) -> str:
    """The table of the reports of `firebrick link --json`, one for each command."""
    head = ("", *(f"`{command}`" for command in COMMANDS))
    rows = [head, ("---", *("---:",) * len(COMMANDS)), *((what, *(figure(report) for report in reports)) for what, figure in ROWS)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _bytes(count: float) -> str:
    return f"{count:,.0f}" if count >= 1000 else f"{count:,.1f}"


def _rate(fps: float) -> str:
    return f"{fps:,.0f}" if fps >= 100 else f"{fps:.3g}"


def _carrier(report: Any, name: str) -> str:
    [carrier] = (entry for entry in report["carriers"] if entry["name"] == name)
    return _rate(carrier["fps"]) + (", limited by the engines" if carrier["limit"] == "engine" else "")


def _recovery(report: Any, faults: tuple[str, ...]) -> str:
    return f"{max(report['recovery'][fault] for fault in faults):,}"


def _run(command: str) -> Any:
    print(f"link: {command}", file=sys.stderr)
    program, *words = shlex.split(command)
    done = subprocess.run([str(Path(sys.executable).with_name(program)), *words, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Rewrite the table in place."""
    head, rest = PAGE.read_text().split(START)
    PAGE.write_text(head + START + table([_run(command) for command in COMMANDS]) + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
