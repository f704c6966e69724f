# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Files that are written whole or not at all, and read no further than they may go."""

import os
from pathlib import Path

from ..errors import FirebrickError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file, making its folder where that is missing; whoever looks sees the old file or the whole new one, never a part."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise FirebrickError(f"cannot write {path}: {error.strerror}; name a file in a folder that you can write to") from error


def read_limited(path: Path, most: int, kind: str) -> bytes:
    """A file's bytes, ``most`` at most; raises FirebrickError, which asks for ``kind``, where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as problem:
        raise FirebrickError(f"{path} cannot be read ({problem.strerror or 'unknown error'}); name {kind}") from problem
