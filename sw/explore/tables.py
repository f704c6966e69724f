# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The rows of an exploration as CSV and as human-readable tables."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .runner import CHOICE_COLUMNS, METAPARAMETERS, RESULT_COLUMNS, Row

if TYPE_CHECKING:
    from rich.table import Table

SYNTHESISED = ("luts", "block_rams", "multipliers")
COLUMNS = (*CHOICE_COLUMNS, *(name for name in RESULT_COLUMNS if name not in ("synthesised", "short")))
END = ("fps", "fits", "short", "top1", "top5", "failed")
_SHOWN = ("parameters", "bytes", "nonzero_macs", "cycles", "fps", "lanes", "luts", "block_rams", "multipliers")
_HEADS = {
    "float32_bytes": "float32 bytes",
    "nonzero_macs": "non-zero MACs",
    "macs": "MACs",
    "fps": "frames/s",
    "luts": "LUTs",
    "block_rams": "block RAMs",
    "multipliers": "multipliers",
    "luts synthesised": "LUTs, synthesised",
}


def csv_text(rows: Sequence[Row]) -> str:
    """All rows as CSV. Unknown values are empty; results of synthesis have columns of their own."""
    text = io.StringIO()
    synthesised = [f"{name}_synthesised" for name in SYNTHESISED]
    writer = csv.DictWriter(text, [*COLUMNS, *synthesised, *END], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        flat = {name: value for name, value in row.items() if name != "synthesised"}
        writer.writerow(flat | {f"{name}_synthesised": count for name, count in (row["synthesised"] or {}).items()})
    return text.getvalue()


def varying(rows: Sequence[Row]) -> list[str]:
    """The choices that vary between rows."""
    return [name for name in CHOICE_COLUMNS if len({row[name] for row in rows}) > 1]


def constant(rows: Sequence[Row]) -> str:
    """The other choices with their values, as text."""
    fixed = [name for name in CHOICE_COLUMNS if name not in varying(rows) and rows and rows[0][name] is not None]
    return ", ".join(f"{name} {rows[0][name]}" for name in fixed)


def columns(rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """The columns of a human-readable table: heading and cells. Choices that all rows share are left out."""
    shown = [(_HEADS.get(name, name), [cell_text(row[name]) for row in rows]) for name in (*varying(rows), *_SHOWN)]
    if any(row["synthesised"] for row in rows):
        for name in SYNTHESISED:
            shown.append((f"{_HEADS[name]}, synthesised", [cell_text((row["synthesised"] or {}).get(name)) for row in rows]))
    for name in ("top1", "top5"):
        if any(row[name] is not None for row in rows):
            shown.append((name, ["" if row[name] is None else f"{row[name]:.1%}" for row in rows]))
    shown.append(("fits", [verdict(row) for row in rows]))
    return shown


def verdict(row: Row) -> str:
    """Whether a point fits, which resources do not suffice, or why it failed."""
    if row["failed"]:
        return f"failed: {row['failed']}"
    return "yes" if row["fits"] else f"no: {row['short']}"


def cell_text(cell: Any) -> str:
    """A value in human-readable form."""
    if cell is None:
        return ""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def rich_table(rows: Sequence[Row]) -> "Table":
    """The table of the rows for a terminal."""
    from rich.table import Table

    table = Table(caption=f"all points: {constant(rows)}", caption_justify="left")
    shown = columns(rows)
    for head, _ in shown:
        left = head in (*METAPARAMETERS, "model", "target", "fits")
        table.add_column(head, justify="left" if left else "right", min_width=8 if head == "fits" else None)
    for cells in zip(*(cells for _, cells in shown), strict=True):
        table.add_row(*cells)
    return table
