# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The file of --pins: TOML or JSON."""

import json
import tomllib
from pathlib import Path
from typing import Any

from ..errors import FirebrickError
from ..utils.atomic_files import read_limited

MAX_BYTES = 1 << 20
"""Bytes that such a file may have."""


def read_pins(path: Path) -> dict[str, Any]:
    """The document in a file with pins; JSON where its name ends in .json. Raises FirebrickError where there is none, or it is damaged."""
    data = read_limited(path, MAX_BYTES, "a TOML or JSON file with pins, as in docs/standalone.md")
    try:
        text = data.decode()
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise FirebrickError(f"{path} is no {kind}: {problem}; write it as in docs/standalone.md") from problem
    if not isinstance(document, dict):
        raise FirebrickError(f"{path} must have the sections camera and display; write it as in docs/standalone.md")
    return document
