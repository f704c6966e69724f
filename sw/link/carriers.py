# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What carries the link's bytes, UART or USB, and the frame rate that it allows, by nominal rates; nothing is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from .packets import BAUD_DIVISORS, CLASS_INDEX, CRC, HEADER, INITIAL_WINDOW, MAX_PAYLOAD, MAX_REPLY_PAYLOAD, WINDOW_FIELD

BITS_PER_BYTE = 10
"""Bits on a serial line for a byte: a start bit, 8 data bits, a stop bit."""
BAUDS = (3_000_000, 2_000_000, 1_500_000, 1_000_000, 921_600, 460_800, 230_400)
"""Baud rates to try, best first; each at least twice ``DEFAULT_BAUD``, so that a zero byte at that rate is a break (docs/protocol.md)."""
MAX_BAUD_ERROR = 0.02
"""Maximum relative error of the device's baud rate: receivers sample the last of 10 bits in its middle, which allows 5 % for both ends."""
MAX_IN_FLIGHT = 3
"""Frames that are being sent, computed or returned at a time: one each, so that neither the line nor the engines wait."""
COBS_RUN = 254
"""Bytes without a zero after which COBS adds a byte, besides the one of each packet."""


@dataclass(frozen=True)
class Carrier:
    """What carries the bytes, by its nominal figures."""

    name: str
    bytes_per_second: float
    """Bytes of packets of the link."""
    duplex: bool
    """Whether both directions have that rate at once."""
    round_trip: float
    """Seconds that the host's controller and operating system add to a packet and its answer."""


USB_FULL_SPEED = Carrier("USB full speed", 19 * 64 * 1e3, False, 1e-3)
"""19 bulk packets of 64 bytes in a frame of 1 ms (USB 2.0, table 5-9)."""
USB_HIGH_SPEED = Carrier("USB high speed", 13 * 512 * 8e3, False, 125e-6)
"""13 bulk packets of 512 bytes in a microframe of 125 us (USB 2.0, table 5-10)."""


def uart(baud: int) -> Carrier:
    """A serial line at a baud rate; adapters poll every millisecond."""
    rate = f"{baud / 1e6:g} Mbaud" if baud >= 1_000_000 else f"{baud:,} baud"
    return Carrier(f"UART, {rate}", baud / BITS_PER_BYTE, True, 1e-3)


def baud_divisor(clock: float, baud: int) -> int | None:
    """Clock cycles per bit by which a device with a clock, in Hz, makes a baud rate; None if it cannot."""
    divisor = round(clock / baud)
    return divisor if divisor in BAUD_DIVISORS and abs(clock / divisor / baud - 1) <= MAX_BAUD_ERROR else None


def fastest_uart(clock: float, bauds: Sequence[int] = BAUDS) -> Carrier | None:
    """The serial line at the first of the baud rates that a device with a clock, in Hz, can make; None if it can make none."""
    return next((uart(baud) for baud in bauds if baud_divisor(clock, baud) is not None), None)


@dataclass(frozen=True)
class WireBytes:
    """Bytes on the wire for one frame of a stream without losses."""

    sent: float
    """To the device."""
    received: float
    """From the device."""


def wire_bytes(frame_bytes: int, classes: int, score_bytes: int) -> WireBytes:
    """The bytes of one frame and its scores with all that the protocol adds, at most (docs/protocol.md).

    To the device: DATA packets, and the POLL that acknowledges the result. From it: the SCORES packets, and a STATUS for each DATA packet
    and for the POLL. Bytes without zeros are assumed, which COBS makes longest: the figures are up to 0.4 % too high.
    """
    data = sum(_packet_bytes(min(MAX_PAYLOAD, frame_bytes - offset)) for offset in range(0, frame_bytes, MAX_PAYLOAD))
    packets = -(-frame_bytes // MAX_PAYLOAD)
    per_packet = (MAX_REPLY_PAYLOAD - CLASS_INDEX.size) // score_bytes
    scores = sum(
        _packet_bytes(CLASS_INDEX.size + score_bytes * min(per_packet, classes - first)) for first in range(0, classes, per_packet)
    )
    return WireBytes(data + _packet_bytes(0), scores + (packets + 1) * _packet_bytes(WINDOW_FIELD.size))


def link_rate(carrier: Carrier, wire: WireBytes, window: int = INITIAL_WINDOW) -> tuple[float, str]:
    """Frames a second that a carrier allows, and what limits it: the lower of two limits.

    The carrier takes the bytes of a frame. A ``window`` of bytes is sent in a round trip and the time of a packet.
    """
    bytes_per_frame = max(wire.sent, wire.received) if carrier.duplex else wire.sent + wire.received
    by_bytes = carrier.bytes_per_second / bytes_per_frame
    by_window = window / (carrier.round_trip + MAX_PAYLOAD / carrier.bytes_per_second) / wire.sent
    return min((by_bytes, "bytes on the wire"), (by_window, "round trips"))


def _packet_bytes(payload: int) -> int:
    """Bytes on the wire of a packet: header, payload and CRC in COBS encoding, then a zero."""
    body = HEADER.size + payload + CRC.size
    return body + 1 + body // COBS_RUN + 1
