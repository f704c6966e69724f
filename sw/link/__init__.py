# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The protocol between host and device, in pure integers: packets, their framing, and the device descriptor."""
