# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a float network to an integer model: pruning, codebooks, calibration."""
