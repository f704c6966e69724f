# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Streams of frames: sources, the inference loop through a device, and sinks for its predictions."""
