# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The screen of a device without a computer: what it shows, in integers; the authority that the hardware equals to the pixel."""
