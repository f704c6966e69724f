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

VERSION = 2
"""Version of the protocol that devices of this release speak."""
SUPPORTED_VERSIONS = (1, 2)
"""Versions that the host speaks. A device of version 1 lets sequence numbers wrap around, to which no session of this host comes."""
MAX_SESSION = (1 << 16) - 1
"""Highest session number; 0 is that of a device after power-up."""
SESSION_PACKETS = (1 << 16) - 1
"""DATA packets, and results, that a session has at most, with the sequence numbers from 0 on.

Sequence numbers never wrap around: the host begins a new session, with the next session number, before. So a session number and a
sequence number together name one packet, and no repetition is taken for another one, until ``MAX_SESSION`` more sessions were opened.
"""


class PacketKind(IntEnum):
    """The kind of a packet: 1 to 8, and from 16 on, come from the host, 9 to 15 from the device.

    A device without a camera drops ``CAMERA``, ``CAPTURE`` and ``PACE`` as it drops unknown kinds.
    """

    OPEN = 1
    """Begins a session; the device forgets the one before."""
    DATA = 2
    """Bytes of a frame; ``sequence`` counts the DATA packets of a session from 0, up to ``SESSION_PACKETS`` of them."""
    POLL = 3
    """Acknowledges all results before ``sequence`` and asks for that one, for the first time or again."""
    IDENTIFY = 4
    """Asks for the device descriptor; any session will do."""
    COUNT = 5
    """Asks for the counters; any session will do."""
    RATE = 6
    """Changes the baud rate: from now on a bit of the serial line takes ``sequence`` clock cycles."""
    CAMERA = 7
    """Asks for the camera's report; any session will do."""
    CAPTURE = 8
    """A POLL that also asks for a camera frame: the scores of the next one become result ``sequence``."""
    STATUS = 9
    """A cumulative ACK: ``sequence`` is the next DATA packet that the device expects, the payload its free space (``WINDOW_FIELD``)."""
    NAK = 10
    """A STATUS that also reports damage or a gap: the host must retransmit from ``sequence``."""
    SCORES = 11
    """Part of result ``sequence``: the payload is a class index (``CLASS_INDEX``) and the scores from that class on."""
    IDENTITY = 12
    """The payload is a device descriptor (``identity.DeviceDescriptor``)."""
    COUNTERS = 13
    """The payload is the counters, in the order of ``COUNTER_NAMES``."""
    CAMERA_REPORT = 14
    """The payload is a ``CAMERA_FIELDS``: what the camera has done so far."""
    PICTURE = 15
    """A part of the picture of a camera frame as the network gets it: bytes ``sequence`` times ``MAX_REPLY_PAYLOAD`` and on."""
    PACE = 16
    """Gives the camera's clock the prescaler ``sequence`` + 1, so that the line can follow, and from 1 on captures bring the picture, too;
    0 is the camera's own pace, without pictures."""


HEADER = struct.Struct("<BHH")
"""Kind, session, sequence number."""
CRC = struct.Struct("<I")
"""The CRC-32 of zlib and Ethernet, over header and payload."""
MAX_PAYLOAD = 1000
"""Bytes of a frame that the host puts into one DATA packet."""
BUFFER_BYTES = 2048
"""Bytes of the device's packet buffer, a power of two: one block RAM."""
INITIAL_WINDOW = BUFFER_BYTES - 1 - CRC.size
"""Payload bytes that fit the empty buffer: one byte distinguishes full from empty, and the CRC of the incoming packet is stored, too."""
MAX_REPLY_PAYLOAD = 112
"""Payload bytes of a packet from the device."""
CLASS_INDEX = struct.Struct("<H")
"""In a SCORES packet, before the scores: the index of the first class."""
WINDOW_FIELD = struct.Struct("<H")
"""The payload of a STATUS or NAK packet: the free space for unacknowledged payload bytes."""
COUNTER = struct.Struct("<Q")
"""One counter."""
COUNTER_NAMES = ("frames", "damaged", "dropped", "cycles", "busy", "starved", "stalled")
"""The counters in the order in which they are sent, at most 8:

frames: results completed for a host; damaged: packets with wrong framing or CRC; dropped: valid packets that were out of sequence, of
another session, without free space or of an unknown kind; cycles: clock cycles; busy: cycles in which an engine began a multiplication;
starved: cycles in which the accelerator waited for bytes; stalled: cycles in which its scores waited for the host.
"""
CAMERA_FIELDS = struct.Struct("<BBIIII")
"""The payload of a CAMERA_REPORT: flags, the pace, and the counters of ``CAMERA_COUNTERS``."""
CAMERA_FOUND = 1
"""Flag of a CAMERA_REPORT: the camera answers."""
DISPLAY_PRESENT = 2
"""Flag of a CAMERA_REPORT: the device has a display."""
CAMERA_COUNTERS = ("taken", "dropped", "torn", "lost")
"""The counters of a CAMERA_REPORT, since power-up:

taken: frames that went into the network whole; dropped: frames that came while it was busy; torn: frames that broke off; lost: pictures
that the line was too slow for.
"""
DEFAULT_BAUD = 115_200
"""Bits per second of a serial line after power-up, and after a break (a zero byte at this rate)."""
BAUD_DIVISORS = range(4, 1 << 12)
"""Clock cycles that a bit of the serial line may take."""


@dataclass(frozen=True)
class Packet:
    """One packet, in either direction."""

    kind: int
    """0 to 255; a ``PacketKind`` where it is known."""
    session: int
    """0 to 65535."""
    sequence: int
    """0 to 65535; its meaning depends on the kind."""
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire: header, payload and CRC in COBS encoding, then a zero."""
        body = HEADER.pack(self.kind, self.session, self.sequence) + self.payload
        encoded: bytes = cobs.encode(body + CRC.pack(zlib.crc32(body)))
        return encoded + b"\0"


def decode_packet(wire: bytes) -> Packet:
    """The packet in these bytes from the wire, without the zero at the end. Raises FirebrickError where they are damaged."""
    try:
        body: bytes = cobs.decode(wire)
    except cobs.DecodeError as error:
        raise FirebrickError("a packet's framing is damaged") from error
    if len(body) < HEADER.size + CRC.size:
        raise FirebrickError(f"a packet must have at least {HEADER.size + CRC.size} bytes, not {len(body)}")
    end = len(body) - CRC.size
    if zlib.crc32(body[:end]) != CRC.unpack_from(body, end)[0]:
        raise FirebrickError("a packet's checksum is wrong")
    kind, session, sequence = HEADER.unpack_from(body)
    return Packet(kind, session, sequence, body[HEADER.size : end])


class PacketDecoder:
    """Finds the packets in a stream of bytes, whatever lies between them.

    Parameters
    ----------
    max_wire_bytes: size on the wire of the longest packet; longer ones are skipped, so this also bounds the memory
    """

    def __init__(self, max_wire_bytes: int = 2 * BUFFER_BYTES) -> None:
        self._max_wire_bytes = max_wire_bytes
        self._partial = bytearray()
        self._skipping = False  # the packet that is arriving is already too long
        self.damaged = 0
        """Packets that were dropped."""

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that these bytes complete."""
        *endings, rest = data.split(b"\0")
        for ending in endings:
            wire, skip = bytes(self._partial) + ending, self._skipping
            self._partial.clear()
            self._skipping = False
            if skip or len(wire) > self._max_wire_bytes:
                self.damaged += 1
            elif wire:
                try:
                    yield decode_packet(wire)
                except FirebrickError:
                    self.damaged += 1
        self._partial += rest
        if len(self._partial) > self._max_wire_bytes:
            self._partial.clear()
            self._skipping = True
