# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a plan to a bitstream: steps, seed sweep, reports."""
