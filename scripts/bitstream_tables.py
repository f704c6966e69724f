# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Builds the bitstreams in the tables of README.md and docs/boards.md, verifies their weights, and rewrites the tables.

Takes hours from scratch. Products are cached in build/bitstreams, so the builds can also be run before, in parallel.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from firebrick.sw.reports.bitstream_html import short

ROOT = Path(__file__).parent.parent
BUILDS = {
    "README.md": (
        "firebrick bitstream --board ulx3s_85f --simulate",
        "firebrick bitstream --board ecpix5_85f --simulate",
        "firebrick bitstream --board ecpix5_85f --fast-lanes --target-fps 165 --frequency 107 --simulate",
        "firebrick bitstream --board ulx3s_85f --fast-lanes --frequency 68.8 --simulate",
        "firebrick bitstream --board ulx3s_85f --model squeezenet1_0_small --frequency 65 --simulate",
    ),
    "docs/boards.md": (
        "firebrick bitstream --board ulx3s_12f --model digits",
        "firebrick bitstream --board tang_primer_20k --model digits",
        "firebrick bitstream --board tang_nano_9k --model digits",
    ),
}
START, END = "<!-- bitstreams -->\n", "<!-- /bitstreams -->\n"
HEAD = (
    *("command", "LUTs", "block RAMs", "multipliers", "clock (Fmax)", "cycles per frame"),
    *("frames/s of the engines", "frames/s at the host", "weights verified"),
)
CARRIERS = {"USB full speed": "USB", "USB high speed": "high-speed USB"}
"""Short names of what carries the bytes; of a serial line the part before its rate."""


def main() -> None:
    """Rewrite the tables in place."""
    for name, commands in BUILDS.items():
        page = ROOT / name
        rows = [HEAD, ("---", *("---:",) * (len(HEAD) - 1)), *(_build(command) for command in commands)]
        head, rest = page.read_text().split(START)
        table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        page.write_text(head + START + table + END + rest.split(END)[1])


def row(command: str, report: dict[str, Any], verification: dict[str, Any] | None) -> tuple[str, ...]:
    """A row of a table, from the reports of a build and of its read-back verification, if there is one."""
    simulated = report["simulated_cycles_per_frame"]
    return (
        f"`{command}`",
        *(f"{report['actual'][kind]:,} of {report['available'][kind]:,}" for kind in ("luts", "block_rams", "multipliers")),
        f"{report['frequency_mhz']:.1f} ({report['fmax_mhz']:.1f}) MHz",
        f"{simulated:,}, simulated" if simulated else f"{report['cycles_per_frame']:,}",
        f"{report['fps']:,.1f}",
        ", ".join(f"{short(link['fps'])} by {CARRIERS.get(link['carrier'], 'UART')}" for link in report["host"]),
        f"{verification['weights_proven']:,} of {verification['weights']:,}" if verification else "",
    )


def _build(command: str) -> tuple[str, ...]:
    """Build a bitstream and verify its weights, if its family allows it; the row of the table."""
    words = command.split()
    folder = Path("build/bitstreams") / "-".join(word for word in words[2:] if not word.startswith("--"))
    report = _run([*words, "-o", str(folder)])
    bitstream = folder / report["bitstream"]
    return row(command, report, _run(["firebrick", "prove", "--bitstream", str(bitstream)]) if bitstream.suffix == ".bit" else None)


def _run(words: list[str]) -> dict[str, Any]:
    print(f"bitstreams: {' '.join(words)}", file=sys.stderr)
    command = [str(Path(sys.executable).with_name(words[0])), *words[1:], "--json"]
    document: dict[str, Any] = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return document


if __name__ == "__main__":
    main()
