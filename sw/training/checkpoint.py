# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checkpoints: the state of an unfinished training in a file, from which the same task resumes.

The file is a SHA-256 digest and what ``torch.save`` wrote, which PyTorch reads without checking its CRCs.
"""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ..errors import FirebrickError
from ..utils.atomic_files import write_atomically

_DIGEST_BYTES = hashlib.sha256().digest_size


class Checkpoint:
    """The checkpoint file of one task.

    Args:
        path: the file; None to keep no checkpoint. It is left to the caller to delete.
        task: digest of everything that determines the result. A file of another task is ignored, and later overwritten.
    """

    def __init__(self, path: Path | None, task: str) -> None:
        self.path, self.task = path, task

    def save(self, step: int, **state: Any) -> None:
        """Write the state after ``step`` steps; an interruption leaves either the old file or the new one."""
        if self.path is None:
            return
        data = io.BytesIO()
        torch.save({"task": self.task, "step": step, **state}, data)
        write_atomically(self.path, hashlib.sha256(data.getvalue()).digest() + data.getvalue())

    def resume(self, restore: Callable[[dict[str, Any]], None], device: torch.device | None = None) -> None:
        """Call ``restore`` with the saved state, its tensors on ``device``, if the file exists and belongs to the task.

        Raises FirebrickError where the file is damaged.
        """
        if self.path is None or not self.path.exists():
            return
        try:
            digest, data = (content := self.path.read_bytes())[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
            if digest != hashlib.sha256(data).digest():
                raise ValueError("the digest is wrong")
            state: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True, map_location=device)
            if state["task"] == self.task:
                restore(state)
        except Exception as problem:  # a damaged file may raise anything
            raise FirebrickError(f"checkpoint {self.path} is damaged; delete it to train from the start") from problem
