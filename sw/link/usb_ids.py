# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What host and hardware know a board on USB by."""

VENDOR, PRODUCT = 0x1209, 0x0001
"""The first of the numbers that https://pid.codes keeps for trying things out, so others may have it too."""
MANUFACTURER = "Firebrick"
"""The string that sets our boards apart from those."""
ENDPOINT = 1
"""The number of the bulk endpoints, one each way: they carry what a serial line would carry."""
FULL_SPEED_PACKET = 64
"""Bytes of a USB packet at full speed, at most."""
HIGH_SPEED_PACKET = 512
"""Bytes of a USB packet at high speed, at most."""
