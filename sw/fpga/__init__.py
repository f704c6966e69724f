# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""FPGAs: devices, their families and resources, and the cost model of plans."""
