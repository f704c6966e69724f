# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of what callers of the library give."""

import math
import os
from pathlib import Path
from typing import TypeAlias

from .sw.errors import FirebrickError

PathLike: TypeAlias = str | os.PathLike[str]


def as_path(path: object) -> Path:
    """A path that a caller gave. Raises FirebrickError for anything but text and path-like objects."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(text, str):
        raise FirebrickError(f"a path must be a str or path-like, not {type(path).__name__}")
    if not text or "\0" in text:
        raise FirebrickError(f"a path must not be empty or have null characters, as {text!r}")
    return Path(text)


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raise FirebrickError unless a parameter is a whole number from ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise FirebrickError(f"{name} must be a whole number from {least}, not {value!r}")


def check_positive(name: str, value: object) -> None:
    """Raise FirebrickError unless a parameter is a positive, finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not (math.isfinite(value) and value > 0):
        raise FirebrickError(f"{name} must be a positive number, not {value!r}")
