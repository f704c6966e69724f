# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rewrites the table of boards in docs/boards.md."""

from pathlib import Path
from typing import Any

from firebrick.hw.boards.inventory import board_inventory

PAGE = Path(__file__).parents[1] / "docs" / "boards.md"
START, END = "<!-- boards -->\n", "<!-- /boards -->\n"
HEAD = ("board", "FPGA", "LUTs", "block RAMs", "multipliers", "link", "tools")


def table() -> str:
    """The boards that can run the accelerator, as a Markdown table."""
    rows = [HEAD, ("---", "---", *("---:",) * 3, "---", "---"), *(_row(board) for board in board_inventory() if not board["lacks"])]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(board: dict[str, Any]) -> tuple[str, ...]:
    rams = f"{board['block_rams']:,} of {board['block_ram_bits'] / 1024:g} kbit"
    return board["name"], board["part"], f"{board['luts']:,}", rams, f"{board['multipliers']:,}", ", ".join(board["links"]), board["tools"]


def main() -> None:
    """Rewrite the table in place."""
    head, rest = PAGE.read_text().split(START)
    PAGE.write_text(head + START + table() + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
