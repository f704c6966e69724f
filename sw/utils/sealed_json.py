# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Sealed JSON: documents with a digest of themselves, so that a damaged, cut or foreign file is not believed."""

import hashlib
import json
from pathlib import Path
from typing import Any

from .atomic_files import write_atomically


def json_digest(content: Any) -> str:
    """The SHA-256 digest of a JSON document, whatever the order of its keys; hexadecimal."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_sealed(path: Path, content: Any) -> None:
    """Write a document with its digest: {sha256, content}. Raises FirebrickError if the system refuses."""
    write_atomically(path, json.dumps({"sha256": json_digest(content), "content": content}, indent=1).encode() + b"\n")


def read_sealed(path: Path) -> Any:
    """The document that `write_sealed` wrote; None if the file is missing, or is anything else."""
    try:
        sealed = json.loads(path.read_bytes())
        content = sealed["content"]
        return content if sealed["sha256"] == json_digest(content) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
