# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A screen for simulations: records the bits of a DVI output, checks them, and turns them into pictures."""
