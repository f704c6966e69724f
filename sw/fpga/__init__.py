# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""FPGAs: devices, families, resources, and the cost model."""
