# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Types of options that name an output: it is checked before the work begins whether it can be written."""

import errno
import os
from pathlib import Path
from typing import Any

import click

from ..errors import FirebrickError


class OutputPath(click.Path):
    """A path that can be written to. Converting raises FirebrickError if its folder, or the nearest one that exists, cannot."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See ``click.ParamType``."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        existing = next(parent for parent in path.absolute().parents if parent.exists())
        if not existing.is_dir():
            problem = errno.ENOTDIR
        elif os.access(existing, os.W_OK | os.X_OK):
            return path
        else:
            problem = errno.EROFS if os.statvfs(existing).f_flag & os.ST_RDONLY else errno.EACCES
        raise FirebrickError(f"cannot write {path}: {os.strerror(problem)}; name a file in a folder that you can write to")


class OutputFile(OutputPath):
    """An ``OutputPath`` that is no folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See ``click.ParamType``."""
        path: Path = super().convert(value, param, ctx)
        require_file(path)
        return path


class OutputFolder(OutputPath):
    """An ``OutputPath`` that is a folder, or will be one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See ``click.ParamType``."""
        path: Path = super().convert(value, param, ctx)
        if path.exists() and not path.is_dir():
            self.fail(f"{path} is a file; name a folder", param, ctx)
        if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
            raise FirebrickError(f"cannot write to {path}: {os.strerror(errno.EACCES)}; name an output folder that you can write to")
        return path


def require_file(path: Path) -> None:
    """Raise FirebrickError if an output is a folder."""
    if path.is_dir():
        raise FirebrickError(f"cannot write {path}: {os.strerror(errno.EISDIR)}; name a file")
