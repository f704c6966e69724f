# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The user's cache folder."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """The folder of compiled simulations: the environment variable FIREBRICK_CACHE, or the user's cache folder."""
    configured = os.environ.get("FIREBRICK_CACHE")
    return Path(configured) if configured else user_cache_path("firebrick")
