# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The table of proofs, on the terminal and in the documentation."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ...sw.errors import FirebrickError
from ...sw.utils.atomic_files import write_atomically
from .catalogue import PROOFS
from .check import Result

BEGIN = "<!-- rows made by python -m firebrick.sim.formal --all --table, in processor seconds -->"
END = "<!-- end of the rows -->"


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


def markdown_row(result: Result) -> str:
    """A row of the documentation's table. The processor seconds are those of the proof alone."""
    proof = result.proof
    seconds = f"{result.outcome.cpu_seconds:.0f}"
    cells = (f"`{proof.name}`", proof.sentence, proof.size, proof.bound, proof.engine, str(len(proof.faults)), seconds)
    return f"| {' | '.join(cells)} |"


def write_into(page: Path, results: Sequence[Result]) -> None:
    """Write the rows of these proofs into the table of a page, in the order of the catalogue; rows of others stay as they are.

    Raises FirebrickError if a proof does not hold, or if the page has no table.
    """
    failed = [result.proof.name for result in results if result.problems]
    if failed:
        raise FirebrickError(f"{page} was not changed: {', '.join(failed)} failed")
    before, begin, rest = page.read_text().partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise FirebrickError(f"{page} must have the lines {BEGIN} and {END}, between which the rows are written")
    rows = {row.split("`")[1]: row for row in table.splitlines() if "`" in row}
    rows |= {result.proof.name: markdown_row(result) for result in results}
    lines = "".join(f"{rows[proof.name]}\n" for proof in PROOFS if proof.name in rows)
    head = "| proof | what is proven | size | for | engine | faults | s |\n|---|---|---|---|---|---|---|\n"
    write_atomically(page, f"{before}{BEGIN}\n\n{head}{lines}\n{END}{after}".encode())
