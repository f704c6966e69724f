# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Who may import whom, so that the specification stays free of hardware and the hardware free of files and floats."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SPECIFICATION = (
    *("allocate", "columns", "compiler", "decode", "devices", "errors", "fabric", "files", "huffman", "link"),
    *("model", "network", "partrecord", "report", "resources", "romparts", "schedule", "spec", "strips"),
)
"""The modules of sw that hw may know: the integer specification and the plan."""


def test_sw_imports_neither_hardware_nor_simulation() -> None:
    for path in modules("sw"):
        if path.parent.name != "commands" and path.name not in ("cli.py", "addresses.py"):
            wrong = [name for name in imported(path) if name.startswith(("firebrick.hw", "firebrick.sim", "amaranth", "cocotb"))]
            assert wrong == [], path.relative_to(ROOT)


def test_hw_imports_only_the_specification_and_the_plan() -> None:
    for path in modules("hw"):
        parts = [name.split(".") for name in imported(path) if name.startswith("firebrick.")]
        wrong = [name for name in parts if name[1] == "sim" or (name[1] == "sw" and (len(name) < 3 or name[2] not in SPECIFICATION))]
        assert wrong == [], path.relative_to(ROOT)


def test_no_room_imports_the_command_line() -> None:
    for path in (*modules("hw"), *modules("sim")):
        wrong = [name for name in imported(path) if name.startswith(("firebrick.sw.cli.main", "firebrick.sw.cli"))]
        assert wrong == [], path.relative_to(ROOT)


def test_rooms_are_imported_through_the_package() -> None:
    for path in (*modules("hw"), *modules("sw"), *modules("sim"), *modules("tests")):
        assert not [name for name in imported(path) if name.split(".")[0] in ("hw", "sw", "sim")], path.relative_to(ROOT)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The full names of what a file imports, at the top or inside functions."""
    package = ["firebrick", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package[: len(package) + 1 - level] if level else []
                source = ".".join([*base, *([module] if module else [])])
                yield from (f"{source}.{name.name}" for name in names)
