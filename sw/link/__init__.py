# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The protocol between host and hardware, in pure integers: packets, their framing, and what a device says of itself."""
