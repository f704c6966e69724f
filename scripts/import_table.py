# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rewrites the tables in docs/imports.md from the cases that tests/sw/importers/test_import_cases.py runs."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "imports.md"
START, END = "<!-- cases -->\n", "<!-- /cases -->\n"


def tables() -> str:
    """A table for each section of the cases: what the file has, and whether it is read, or how the refusal begins."""
    sys.path.insert(0, str(ROOT))
    from tests.helpers.import_cases import ONNX_CASES

    parts = []
    for section, cases in ONNX_CASES.items():
        rows = [("file", "result"), ("---", "---"), *((case.what, _result(case.refused, case.changed)) for case in cases)]
        parts.append(f"### {section}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows))
    return "\n".join(parts)


def _result(refused: str, changed: str) -> str:
    if refused:
        return f"refused: “… {refused} …”"
    return f"read, with a note: “… {changed} …”" if changed else "read"


def main() -> None:
    """Rewrite the tables in place."""
    head, rest = PAGE.read_text().split(START)
    PAGE.write_text(head + START + "\n" + tables() + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
