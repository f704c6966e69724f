# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Boards: what they carry, how the accelerator sits on them, and how they are programmed."""
