# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What can happen to a file in a cache."""

from pathlib import Path


def cut(path: Path) -> None:
    """Half of it is left, as after a full disk."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    """Nothing is left in it, as after a power failure."""
    path.write_bytes(b"")


def deleted(path: Path) -> None:
    """It is gone, as after a clean-up of old files."""
    path.unlink()


def flipped(path: Path) -> None:
    """A bit in its middle is another one."""
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = (cut, emptied, deleted, flipped)
