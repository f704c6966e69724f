# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Supervised training of a float network on labelled images, with the schedule of the paper's authors (needs PyTorch)."""

from .config import TrainingConfig as TrainingConfig
