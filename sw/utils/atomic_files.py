# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Writes files atomically, and reads files up to a limit."""

import os
import shutil
from collections.abc import Mapping
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


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files, by their paths relative to a folder. A new folder appears with all of them; in one that exists each is replaced.

    All are first written beside the folder, under a hidden name, so that nothing has changed if the system refuses one, as where a disk is
    full. Raises FirebrickError then.
    """
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        try:
            for name, data in contents.items():
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                (partial / name).write_bytes(data)
            if not folder.exists():
                partial.replace(folder)
                return
            for name in contents:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (partial / name).replace(folder / name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise FirebrickError(f"cannot write {folder}: {error.strerror}; name an output folder that you can write to") from error


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
