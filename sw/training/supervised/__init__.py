# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Training a float network on labelled pictures, as the paper's authors trained theirs (needs PyTorch)."""

from .config import TrainingConfig as TrainingConfig
