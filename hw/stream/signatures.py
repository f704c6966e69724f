# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The streams between components."""

from amaranth.hdl import unsigned
from amaranth.lib import data, stream


def pixel_beat(lanes: int) -> data.ArrayLayout:
    """One pixel, 0..255, for each lane."""
    return data.ArrayLayout(unsigned(8), lanes)


def pixel_stream(lanes: int) -> stream.Signature:
    """A stream of words: one pixel, 0..255, for each lane. Rows follow each other, in a row channels, in a channel tiles."""
    return stream.Signature(pixel_beat(lanes))
