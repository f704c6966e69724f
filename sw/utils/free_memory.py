# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Returns memory that was freed to the operating system."""

import ctypes
import sys


def return_free_memory() -> None:
    """Return what the C library keeps of freed memory, after work that took much of it; does nothing where that is not glibc's."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
