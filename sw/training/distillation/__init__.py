# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Distillation: a model's integers are trained to say what the float network says, on pictures without labels (needs PyTorch)."""

from importlib.util import find_spec

from ...errors import FirebrickError
from .config import DistillationConfig as DistillationConfig


def check_torch(purpose: str = "distillation", instead: str = ", or leave out --distil") -> None:
    """Raise FirebrickError, which says what for and what to do instead, unless PyTorch is installed."""
    if find_spec("torch") is None:
        raise FirebrickError(f"PyTorch, which {purpose} needs, is missing; install firebrick[train]{instead}")
