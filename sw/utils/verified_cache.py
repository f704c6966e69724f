# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A cache that believes nothing: each entry is checked against the digests of its files before it is used, and made again if it is damaged.

An entry is a folder with a manifest. It is made in a hidden folder beside it, which is renamed when all is complete, and under a lock: of
several processes that want the same entry, one makes it and the others wait.
"""

import hashlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import FirebrickError
from .file_lock import locked, locked_if_free
from .progress import Progress, no_progress
from .sealed_json import read_sealed, write_sealed

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
"""The file in an entry with the SHA-256 digest of every other, by path."""
IN_USE_SECONDS = 3600
"""An entry that was used more recently is not evicted: its user may still be about to read it."""


def file_digest(path: Path) -> str:
    """The SHA-256 digest of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()


def write_manifest(folder: Path) -> None:
    """Write the digests of all files in a folder into its manifest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    write_sealed(folder / MANIFEST, {str(path.relative_to(folder)): file_digest(path) for path in files})


def is_intact(folder: Path) -> bool:
    """Whether a folder has a manifest, and every file that it lists as it was."""
    digests = read_sealed(folder / MANIFEST)
    try:
        return isinstance(digests, dict) and all(file_digest(folder / name) == digest for name, digest in digests.items())
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class VerifiedCache:
    """A folder of entries, which processes may share."""

    folder: Path
    advice: str = "name a folder that you can write to"
    """What to do where the folder cannot be written to."""

    def entry(self, name: str, make: Callable[[Path], None], progress: Progress = no_progress) -> Path:
        """The folder of an entry, intact; if there is none, ``make`` is given an empty folder to fill.

        What killed processes left behind is removed. Raises what ``make`` raises, and then leaves no entry; FirebrickError if the cache
        cannot be written to.
        """
        path = self.folder / name
        try:
            self.sweep()
            if not is_intact(path):
                self.folder.mkdir(parents=True, exist_ok=True)
                with locked(path, progress):
                    if not is_intact(path):  # nor made by another process meanwhile
                        _make(path, make)
        except OSError as error:
            if error.errno is None:
                raise  # a connection or a time limit of what was made
            raise FirebrickError(f"cannot write to {self.folder}: {error.strerror}; {self.advice}") from error
        with suppress(OSError):  # a cache that can only be read
            os.utime(path)  # for evict
        return path

    def sweep(self) -> None:
        """Remove the partial entries of processes that were killed: those whose lock nobody holds."""
        for partial in self.folder.glob(".*.*/"):
            with suppress(OSError), locked_if_free(self.folder / partial.name[1:].rpartition(".")[0]) as ours:
                if ours:
                    logger.info("removing %s, left by a process that was killed", partial)
                    shutil.rmtree(partial, ignore_errors=True)

    def evict(self, pattern: str, kept: int) -> None:
        """Remove what matches a pattern, except the entries that were used last, ``kept`` of them, and those that may be in use."""
        for old in sorted(self.folder.glob(pattern), key=_unused_seconds)[kept:]:
            if _unused_seconds(old) > IN_USE_SECONDS:
                with suppress(OSError):  # others evict, too
                    _remove(old)


def _make(path: Path, make: Callable[[Path], None]) -> None:
    """Make an entry in a partial folder, and put it in the place of what was there."""
    if path.exists():
        logger.info("%s is damaged or incomplete, and is made again", path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        partial.mkdir()
        make(partial)
        write_manifest(partial)
        _remove(path)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _unused_seconds(path: Path) -> float:
    """Seconds since an entry was used last; infinite if another process has just removed it."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")
