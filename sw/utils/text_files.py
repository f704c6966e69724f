# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Text files of users: with or without a byte order mark, whatever their line ends."""

import codecs
from pathlib import Path

from ..errors import FirebrickError
from .atomic_files import read_limited

_BYTES_MAX = 1 << 26


def read_text(path: Path, what: str) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark; without that mark, and with lines that end in a line feed.

    ``what`` says in errors what the file should be, such as "a text file of class names". Raises FirebrickError, with the file's name,
    where it cannot be read, is larger than 64 MiB or is no such text.
    """
    data = read_limited(path, _BYTES_MAX + 1, what)
    if len(data) > _BYTES_MAX:
        raise FirebrickError(f"{path} has more than {_BYTES_MAX >> 20} MiB; give {what}")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as problem:
        raise FirebrickError(f"{path} is no text in UTF-8; give {what}") from problem


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a text file without empty ones at its end; see `read_text`."""
    return read_text(path, what).rstrip().split("\n")
