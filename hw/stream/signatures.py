# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The pixel streams between components."""

from amaranth.hdl import unsigned
from amaranth.lib import data, stream


def pixel_beat(lanes: int) -> data.ArrayLayout:
    """The payload of one transfer (a beat): one pixel, 0..255, for each lane."""
    return data.ArrayLayout(unsigned(8), lanes)


def pixel_stream(lanes: int) -> stream.Signature:
    """A stream of beats. Rows follow each other; in a row, channels; in a channel, tiles (``LaneLayout``)."""
    return stream.Signature(pixel_beat(lanes))
