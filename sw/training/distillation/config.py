# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How to train; apart from the training, as that needs PyTorch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    steps: int
    seed: int = 0
    rate: float = 2e-3
    """Greatest step of a weight, as a share of the root mean square of its layer's weights."""
    maps: float = 0.5
    """Weight of the feature maps' relative squared error beside the scores' relative entropy."""
    labels: float = 0.3
    """Weight of the cross-entropy with the labels, where there are some."""
    dense: bool = False
    """Lift the mask for the middle third of the steps, then prune again: dense-sparse-dense (arXiv:1607.04381), ending sparse."""
