# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A table that compares the paper's figures with ours, with notes."""

from dataclasses import asdict, dataclass
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True)
class Section:
    """One table of the paper; cells are in the order of the columns, None where a column does not apply."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-serialisable document: each row by column name."""
        return asdict(self) | {"rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows]}
