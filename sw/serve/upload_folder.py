# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The temporary folder of a server's uploads; folders that killed servers left behind are removed."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":  # there are no such locks, and nothing is swept
    import fcntl

PREFIX = "firebrick-serve-"
SETTLING_SECONDS = 60.0
"""Age from which a folder without a lock is left over, though its number is that of some live process."""


@contextmanager
def upload_folder() -> Iterator[Path]:
    """A folder for the uploads of this process, removed at the end; first removes those of servers that were killed.

    The folder is called after this process, and locked (flock): the system releases the lock however the process ends.
    """
    if sys.platform != "win32":
        _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as name, _locked(Path(name)):
        yield Path(name)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*-*"):
        with suppress(OSError), _locked(folder):  # locked by a live server, another user's, or gone meanwhile
            if _is_left_over(folder):
                shutil.rmtree(folder)


def _is_left_over(folder: Path) -> bool:
    """Whether a folder that no process has locked belongs to none: its owner may be about to lock it."""
    state = folder.lstat()
    number = folder.name.removeprefix(PREFIX).partition("-")[0]
    settled = time.time() > state.st_mtime + SETTLING_SECONDS
    return number.isdecimal() and state.st_uid == os.getuid() and (settled or not _is_alive(int(number)))


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock. Raises OSError if another process holds it, or if it is no folder."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
