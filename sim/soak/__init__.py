# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Soak tests: long runs under load, in which every result must be right and nothing may grow."""
