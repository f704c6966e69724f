# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The package as pip knows it: its name, its version, and how its extras are installed."""

DISTRIBUTION = "firebrick-fpga"
"""The name for pip: on PyPI, `firebrick` belongs to another project."""
VERSION = "0.2.0"
"""The only place of the version: pyproject.toml reads it from here."""
CPU_PYTORCH = "pip install torch --index-url https://download.pytorch.org/whl/cpu"
"""Installs PyTorch without CUDA, which is much smaller."""


def install_extra(extra: str) -> str:
    """How to install an extra, for the end of a message: from a checkout, or beside an installed wheel.

    The second command finds the installed package, and installs what the extra needs besides it.
    """
    hint = f"install it with: pip install '.[{extra}]' in a checkout, or pip install '{DISTRIBUTION}[{extra}]' beside an installed wheel"
    return f"{hint}; where there is no GPU, first: {CPU_PYTORCH}" if extra == "train" else hint
