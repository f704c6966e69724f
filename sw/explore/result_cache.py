# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A cache of results on disk: one file for each design point, sealed, and named after a hash of everything that decides its result."""

import hashlib
from pathlib import Path

from ..utils.sealed_json import read_sealed, write_sealed
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
        result: PointResult | None = read_sealed(self._path(point))
        return result

    def put(self, point: DesignPoint, result: PointResult) -> None:
        """Write a result. Raises FirebrickError if the folder cannot be written to."""
        write_sealed(self._path(point), result)

    def _path(self, point: DesignPoint) -> Path:
        name = hashlib.sha256(hashlib.sha256(self._code).digest() + point.key.encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"
