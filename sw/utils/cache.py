# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The user's cache folder."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Where compiled simulations are kept: FIREBRICK_CACHE, or the user's cache folder."""
    chosen = os.environ.get("FIREBRICK_CACHE")
    return Path(chosen) if chosen else user_cache_path("firebrick")
