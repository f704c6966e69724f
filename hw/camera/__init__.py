# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A camera sensor as a source of frames: set-up, capture, and the picture that the network sees."""
