# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Writes files atomically, and reads files up to a limit."""

import os
from pathlib import Path

from ..errors import FirebrickError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file, and create its folder if it is missing. Readers see the old file or the whole new one, never a part.

    Raises FirebrickError if the system refuses.
    """
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


def remove_partial_files(folder: Path) -> None:
    """Remove what `write_atomically` was writing into a folder in processes of this machine that were killed meanwhile."""
    for partial in folder.glob(".*"):
        process = partial.name.rpartition(".")[2]
        if process.isdecimal() and partial.is_file() and not _runs(int(process)):
            partial.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's; no number of a process
        pass
    return True


def read_limited(path: Path, max_bytes: int, kind: str) -> bytes:
    """The first ``max_bytes`` bytes of a file. Raises FirebrickError, which asks for ``kind``, if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as problem:
        raise FirebrickError(f"{path} cannot be read ({problem.strerror or 'unknown error'}); name {kind}") from problem
