# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Distillation: an integer model is trained to reproduce the float network's outputs, on images without labels (needs PyTorch)."""

from importlib.util import find_spec

from ...errors import FirebrickError
from ...utils.distribution import install_extra
from .config import DistillationConfig as DistillationConfig


def check_torch(purpose: str = "distillation", instead: str = "leave out --distil, or ") -> None:
    """Raise FirebrickError, with the purpose and what to do instead, unless PyTorch is installed."""
    if find_spec("torch") is None:
        raise FirebrickError(f"PyTorch, which {purpose} needs, is missing; {instead}{install_extra('train')}")
