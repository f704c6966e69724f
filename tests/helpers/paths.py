# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where the project and its test data lie."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""
SHARED = ROOT.parent / "shared"
"""Models and images beside the checkout; tests that need them are skipped where they are absent."""
