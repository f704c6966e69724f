# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Locks between processes, which end with the process that holds them, however it ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .progress import Progress, no_progress

POLL_INTERVAL = 0.1
"""Seconds between two attempts to take a lock that another process holds."""


@contextmanager
def locked(path: Path, progress: Progress = no_progress) -> Iterator[None]:
    """Hold the lock of a file or folder, which need not exist; waits for it, and calls ``progress`` meanwhile.

    Raises OSError if a lock file cannot be made beside it.
    """
    while (descriptor := _take(path)) is None:
        progress(f"waiting for another process, which makes {path.name}")
        time.sleep(POLL_INTERVAL)
    with _held(path, descriptor):
        yield


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock of a file or folder if nobody else does: whether it is held is the context's value."""
    descriptor = _take(path)
    if descriptor is None:
        yield False
    else:
        with _held(path, descriptor):
            yield True


@contextmanager
def _held(path: Path, descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        _lock_file(path).unlink(missing_ok=True)  # before others can take it: see _take
        os.close(descriptor)


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _take(path: Path) -> int | None:
    """The descriptor of the lock file, locked; None if another process or thread holds it."""
    file = _lock_file(path)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), file.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or removed by its last holder between these lines
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
