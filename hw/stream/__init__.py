# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Streams of pixels and the components between engines: FIFO, skid buffer, width converters, broadcast, interleaver."""
