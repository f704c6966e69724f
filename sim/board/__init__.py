# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A whole board in Verilator: its real top module, with a camera and a monitor at its pins."""
