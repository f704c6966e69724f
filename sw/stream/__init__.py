# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames in, labels out: sources of pictures, the loop through a device, and what is made of its results."""
