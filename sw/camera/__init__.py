# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Cameras: what a sensor sends, how it is set up, and the picture that the network sees of it, in integers."""
