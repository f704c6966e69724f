# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Firebrick: FPGA accelerators for the SqueezeNet family, with every weight on the chip."""

from .sw.utils.distribution import VERSION

__version__ = VERSION
