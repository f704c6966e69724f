# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The USB identifiers of a board."""

VENDOR, PRODUCT = 0x1209, 0x0001
"""The first of the test product numbers of https://pid.codes; other devices may use it, too."""
MANUFACTURER = "Firebrick"
"""The manufacturer string; it distinguishes our boards from those other devices."""
ENDPOINT = 1
"""The number of the two bulk endpoints, one per direction; they carry the bytes that a serial line would carry."""
FULL_SPEED_PACKET = 64
"""Maximum bytes of a USB packet at full speed."""
HIGH_SPEED_PACKET = 512
"""Maximum bytes of a USB packet at high speed."""
