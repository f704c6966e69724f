# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The streams between the components of a bus interface."""

from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from ...sw.link.register_map import ADDRESS_BITS

STREAM_BYTES = (1, 2, 4, 8, 16)
"""Possible bytes of TDATA: 8 to 128 bits."""


def beat_layout(stream_bytes: int) -> data.StructLayout:
    """A transfer of AXI4-Stream. Raises ValueError for a width that is none of STREAM_BYTES."""
    if stream_bytes not in STREAM_BYTES:
        raise ValueError(f"stream_bytes must be one of {', '.join(map(str, STREAM_BYTES))}, not {stream_bytes}")
    return data.StructLayout({"data": 8 * stream_bytes, "keep": stream_bytes, "last": 1})


def beat_stream(stream_bytes: int) -> stream.Signature:
    """A stream of such transfers."""
    return stream.Signature(beat_layout(stream_bytes))


PACKET_BYTE = data.StructLayout({"byte": 8, "present": 1, "last": 1})
"""A byte of a packet. One that is not present only ends the packet, if it is the last."""

REQUEST = data.StructLayout({"address": ADDRESS_BITS - 2, "write": 1, "data": 32, "strobe": 4})
"""An access to a register, with its address in words; ``strobe`` marks the bytes that are written."""

RESPONSE = data.StructLayout({"data": 32, "error": 1})
"""The answer to a request: what was read, and whether there is no such register."""

INITIATOR = {"requests": Out(stream.Signature(REQUEST)), "responses": In(stream.Signature(RESPONSE))}
"""The streams of a component that accesses registers: a response comes for each request, in order."""

TARGET = {name: member.flip() for name, member in INITIATOR.items()}
"""The streams of a component that has the registers."""
