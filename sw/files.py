# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from .errors import FirebrickError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, making its folder where that is missing; whoever looks sees the old file or the whole new one, never a part."""
    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            partial = Path(file.name)
            file.write(data)
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        raise FirebrickError(f"cannot write {path}: {error.strerror}; name a file in a folder that you can write to") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
