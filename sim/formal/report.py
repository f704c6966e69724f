# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The table of proofs, on the terminal and in the documentation."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ...sw.errors import FirebrickError
from ...sw.utils.atomic_files import write_atomically
from .check import Result

BEGIN = "<!-- made by make formal-table -->"
END = "<!-- end of the table -->"


def result_table(results: Sequence[Result]) -> Table:
    """A row for each proof."""
    table = Table()
    for heading in ("proof", "size", "bound", "engine"):
        table.add_column(heading)
    table.add_column("faults", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("")
    for result in results:
        proof = result.proof
        outcome = Text("\n".join(result.problems), "red") if result.problems else Text("proven")
        faults = f"{len(result.faults)}" if result.faults else "-"
        table.add_row(proof.name, proof.size, proof.bound, proof.engine, faults, f"{result.seconds:.1f}", outcome)
    return table


def markdown_table(results: Sequence[Result]) -> str:
    """The same in Markdown, with what is proven in a sentence; seconds are those of the proof alone."""
    lines = ["| proof | what is proven | size | for | engine | faults | s |", "|---|---|---|---|---|---|---|"]
    for result in results:
        proof = result.proof
        cells = (
            f"`{proof.name}`",
            proof.sentence,
            proof.size,
            proof.bound,
            proof.engine,
            len(proof.faults),
            f"{result.outcome.seconds:.0f}",
        )
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def write_into(page: Path, table: str) -> None:
    """Put the table between the marks of a page. Raises FirebrickError if the page has none."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise FirebrickError(f"{page} must have the lines {BEGIN} and {END}, between which the table is written")
    write_atomically(page, f"{before}{BEGIN}\n{table}{END}{after}".encode())
