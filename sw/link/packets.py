# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Packets and their framing: the one source of the constants that host and hardware share (docs/protocol.md)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

from ..errors import FirebrickError

VERSION = 1
"""Of the protocol; another version is another device."""


class PacketKind(IntEnum):
    """What a packet is; the host sends the lower half, the device the upper half."""

    OPEN = 1
    """Begins a session; all of the one before is forgotten."""
    DATA = 2
    """Bytes of a frame; ``number`` counts these packets from 0 in a session."""
    POLL = 3
    """The host has all results before ``number``, and wants that one as soon as it is there, or again."""
    IDENTIFY = 4
    """Asks what the device is; of any session."""
    COUNT = 5
    """Asks for the counters; of any session."""
    RATE = 6
    """From now on a bit of the serial line takes ``number`` clock cycles."""
    STATUS = 9
    """``number`` is the DATA packet that is expected next; the payload is the room for unacknowledged bytes."""
    NAK = 10
    """A STATUS that says that something was damaged or is missing: send again from ``number``."""
    SCORES = 11
    """Of the result ``number``: the payload is the index of a class, and its score and those of the classes behind it."""
    IDENTITY = 12
    """The payload is an identity."""
    COUNTERS = 13
    """The payload is the counters, in the order of ``COUNTER_NAMES``."""


HEADER = struct.Struct("<BHH")
"""Kind, session, number."""
CRC = struct.Struct("<I")
"""CRC-32 of zlib and Ethernet over header and payload."""
MAX_PAYLOAD = 1000
"""Bytes of a frame that the host puts into one DATA packet."""
BUFFER_BYTES = 2048
"""Bytes of the device's packet buffer, a power of two: one block RAM."""
INITIAL_WINDOW = BUFFER_BYTES - 1 - CRC.size
"""Payload bytes that an empty buffer takes; the checksum of the packet that is coming lies there, too."""
MAX_REPLY_PAYLOAD = 112
"""Payload bytes of a device's packet."""
CLASS_INDEX = struct.Struct("<H")
"""In a SCORES packet, before the scores: the index of the first class."""
WINDOW_FIELD = struct.Struct("<H")
"""The payload of a STATUS or NAK packet: the free space for unacknowledged bytes."""
COUNTER = struct.Struct("<Q")
"""One counter."""
COUNTER_NAMES = ("frames", "damaged", "dropped", "cycles", "busy", "starved", "stalled")
"""The counters in the order they are sent, at most 8:

frames: results that were completed for a host; damaged: packets whose framing or checksum was wrong; dropped: sound packets that came out
of turn, of another session, or without room; cycles: of the clock; busy: cycles in which an engine began a multiplication; starved: cycles
in which the accelerator waited for bytes; stalled: cycles in which its scores waited for the host.
"""
DEFAULT_BAUD = 115_200
"""Bits a second of a serial line at first, and whenever a zero byte comes at this rate."""
BAUD_DIVISORS = range(4, 1 << 12)
"""Clock cycles that a bit of the serial line may take."""


@dataclass(frozen=True)
class Packet:
    """One packet, either way."""

    kind: int
    """0 to 255; a ``PacketKind`` where it is known."""
    session: int
    """0 to 65535."""
    sequence: int
    """0 to 65535: what it counts is the kind's business."""
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire: header, payload and checksum, free of zeros by COBS, then a zero."""
        body = HEADER.pack(self.kind, self.session, self.sequence) + self.payload
        encoded: bytes = cobs.encode(body + CRC.pack(zlib.crc32(body)))
        return encoded + b"\0"


def decode_packet(wire: bytes) -> Packet:
    """The packet whose bytes, without the zero at the end, came over the wire. Raises FirebrickError where they are damaged."""
    try:
        body: bytes = cobs.decode(wire)
    except cobs.DecodeError as error:
        raise FirebrickError("a packet's framing is damaged") from error
    if len(body) < HEADER.size + CRC.size:
        raise FirebrickError(f"a packet must have at least {HEADER.size + CRC.size} bytes, not {len(body)}")
    end = len(body) - CRC.size
    if zlib.crc32(body[:end]) != CRC.unpack_from(body, end)[0]:
        raise FirebrickError("a packet's checksum is wrong")
    kind, session, number = HEADER.unpack_from(body)
    return Packet(kind, session, number, body[HEADER.size : end])


class PacketDecoder:
    """Finds the packets in bytes as they come, whatever lies between them.

    Parameters
    ----------
    most: bytes on the wire of the longest packet; longer ones are skipped, so that no more is ever kept
    """

    def __init__(self, most: int = 2 * BUFFER_BYTES) -> None:
        self._most = most
        self._kept = bytearray()
        self._skipping = False
        self.damaged = 0
        """Packets that were dropped."""

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that these bytes complete."""
        *whole, rest = data.split(b"\0")
        for part in whole:
            wire, skip = bytes(self._kept) + part, self._skipping
            self._kept.clear()
            self._skipping = False
            if skip or len(wire) > self._most:
                self.damaged += 1
            elif wire:
                try:
                    yield decode_packet(wire)
                except FirebrickError:
                    self.damaged += 1
        self._kept += rest
        if len(self._kept) > self._most:
            self._kept.clear()
            self._skipping = True
