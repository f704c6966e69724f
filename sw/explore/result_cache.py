# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A cache of results on disk: one file for each design point, named after a hash of everything that decides its result."""

import hashlib
import json
from pathlib import Path

from ..utils.atomic_files import write_atomically
from .design_points import DesignPoint
from .evaluate_point import PointResult


class ResultCache:
    """Results in a folder.

    Args:
        folder: is created when the first result is written.
        code: identifies the code and tools that evaluate points; results of others are not found.
    """

    def __init__(self, folder: Path, code: bytes) -> None:
        self._folder = folder
        self._code = code

    def get(self, point: DesignPoint) -> PointResult | None:
        """The result of a point; None if it is not known or its file is damaged."""
        try:
            result = json.loads(self._path(point).read_bytes())
        except (OSError, ValueError):
            return None
        return result if isinstance(result, dict) and "cycles" in result else None

    def put(self, point: DesignPoint, result: PointResult) -> None:
        """Write a result. Raises FirebrickError if the folder cannot be written to."""
        write_atomically(self._path(point), json.dumps(result).encode())

    def _path(self, point: DesignPoint) -> Path:
        name = hashlib.sha256(hashlib.sha256(self._code).digest() + point.key.encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"
