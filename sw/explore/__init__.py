# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Design space exploration: the hardware cost of each design choice, evaluated, cached, plotted and tabulated."""
