# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What was measured before, kept by content: a file for each point, named after all that decides what is found."""

import hashlib
import json
from pathlib import Path

from ..utils.atomic_files import write_atomically
from .design_points import DesignPoint
from .evaluate_point import PointResult


class ResultCache:
    """Measurements in a folder.

    Args:
        folder: is made when something is kept.
        code: stands for the code and tools that measure; what others measured is not seen.
    """

    def __init__(self, folder: Path, code: bytes) -> None:
        self._folder = folder
        self._code = code

    def get(self, point: DesignPoint) -> PointResult | None:
        """What was found of a point, None where that is not known; a damaged file counts as none."""
        try:
            found = json.loads(self._path(point).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and "cycles" in found else None

    def put(self, point: DesignPoint, found: PointResult) -> None:
        """Keep what was found. Raises FirebrickError where the folder cannot be written to."""
        write_atomically(self._path(point), json.dumps(found).encode())

    def _path(self, point: DesignPoint) -> Path:
        name = hashlib.sha256(hashlib.sha256(self._code).digest() + point.key.encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"
