# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Packets over a transport: requests and their answers, sessions, and the baud rate."""

import logging
import random
from collections import deque

from ..errors import FirebrickError
from ..link.carriers import baud_divisor
from ..link.identity import DeviceDescriptor, decode_descriptor
from ..link.packets import BUFFER_BYTES, COUNTER, COUNTER_NAMES, MAX_SESSION, WINDOW_FIELD, Packet, PacketDecoder, PacketKind
from .transport import Transport

logger = logging.getLogger(__name__)

PROBE_ATTEMPTS = 2
"""Times that a request is sent where there is a fallback for a missing answer."""
MAX_ATTEMPTS = 6
"""Times that a request is sent before the device is given up."""
SESSIONLESS = (PacketKind.IDENTITY, PacketKind.COUNTERS, PacketKind.CAMERA_REPORT)
"""Answers that belong to no session."""
LOST_AFTER_TIMEOUTS = 64
"""Timeouts of silence after which a device that has answered before counts as lost."""


class Session:
    """Sends and receives the packets of one session after the other.

    Sessions are numbered upwards, from the session in which the device is. After power-up it is in none, and the first number is random:
    the numbers before may have been used shortly before it was switched off.

    Parameters
    ----------
    transport: carries the bytes; its creator closes it
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._decoder = PacketDecoder()
        self._received: deque[Packet] = deque()
        self._id = 0
        self._baud: int | None = None
        self.bytes_sent = 0
        self.bytes_received = 0

    @property
    def damaged(self) -> int:
        """Number of packets from the device that arrived damaged."""
        return self._decoder.damaged

    @property
    def timeout(self) -> float:
        """Seconds after which an answer counts as lost: a full buffer may be ahead of the request, and replies ahead of the answer."""
        return 2 * self._transport.latency + 3 * BUFFER_BYTES * self._transport.byte_seconds

    def send(self, kind: PacketKind, sequence: int = 0, payload: bytes = b"") -> None:
        """Send a packet of this session. Raises FirebrickError when the device is gone."""
        packet = Packet(kind, self._id, sequence, payload)
        wire = packet.encode()
        self.bytes_sent += len(wire)
        _log_packet("sent", packet)
        self._transport.write(wire)

    def receive(self, timeout: float) -> Packet | None:
        """The next packet of this session, or an answer that belongs to no session; None after ``timeout`` seconds.

        Raises FirebrickError when the device is gone.
        """
        deadline = self._transport.now() + timeout
        while True:
            while self._received:
                packet = self._received.popleft()
                if packet.session == self._id or packet.kind in SESSIONLESS:
                    return packet
            remaining = deadline - self._transport.now()
            if remaining <= 0:
                return None
            data = self._transport.read(remaining)
            self.bytes_received += len(data)
            for packet in self._decoder.feed(data):
                _log_packet("received", packet)
                self._received.append(packet)

    def request(self, kind: PacketKind, *answers: PacketKind, sequence: int = 0, attempts: int = MAX_ATTEMPTS) -> Packet | None:
        """Send a request until one of ``answers`` comes; None where none does. Other packets stay in the queue for ``receive``.

        Raises FirebrickError when the device is gone.
        """
        others: list[Packet] = []
        try:
            for _ in range(attempts):
                self.send(kind, sequence)
                deadline = self._transport.now() + self.timeout
                while (packet := self.receive(deadline - self._transport.now())) is not None:
                    if packet.kind in answers:
                        return packet
                    others.append(packet)
            return None
        finally:
            self._received.extendleft(reversed(others))

    def identify(self, attempts: int = MAX_ATTEMPTS) -> DeviceDescriptor:
        """Ask for the device descriptor, and continue with the device's session number.

        Raises FirebrickError where nothing answers that speaks this protocol, and for a descriptor with impossible values.
        """
        self._reset_baud()
        packet = self.request(PacketKind.IDENTIFY, PacketKind.IDENTITY, attempts=attempts)
        if packet is None:
            raise FirebrickError(
                f"device {self._transport.address}: nothing answers; check that the board is switched on and holds a bitstream of firebrick"
            )
        try:
            descriptor = decode_descriptor(packet.payload)
        except FirebrickError as error:
            raise FirebrickError(f"device {self._transport.address}: {error}") from error
        self._id = packet.session or random.randint(1, MAX_SESSION)  # noqa: S311 - any number will do
        return descriptor

    def counters(self) -> dict[str, int] | None:
        """The device's counters since power-up; None where it does not answer. Raises FirebrickError when the device is gone."""
        packet = self.request(PacketKind.COUNT, PacketKind.COUNTERS)
        if packet is None or len(packet.payload) != COUNTER.size * len(COUNTER_NAMES):
            return None
        values = (value for (value,) in COUNTER.iter_unpack(packet.payload))
        return dict(zip(COUNTER_NAMES, values, strict=True))

    def open(self, descriptor: DeviceDescriptor) -> None:
        """Begin a new session at the highest baud rate that works. Raises FirebrickError where the device does not answer."""
        deadline = self._transport.now() + LOST_AFTER_TIMEOUTS * self.timeout
        while True:
            self._id = self._id % MAX_SESSION + 1
            answer = self.request(PacketKind.OPEN, PacketKind.STATUS, PacketKind.NAK, attempts=PROBE_ATTEMPTS)
            if answer is not None and answer.sequence == 0:
                break
            if answer is not None:
                # OPEN with the device's own session number changes nothing, so the packets of an earlier client still count.
                logger.info("session 0x%04x: the device is in a session of this number already; opening another one", self._id)
            if self._transport.now() > deadline:
                raise FirebrickError(f"device {self._transport.address}: it was lost; check its cable and its power, and start again")
            self._reset_baud()
        logger.info("session 0x%04x: opened", self._id)
        self._raise_baud(descriptor)

    def _reset_baud(self) -> None:
        if self._transport.bauds:
            self._transport.reset_baud()
            self._baud = None
            logger.info("baud rate: back to the default")

    def _raise_baud(self, descriptor: DeviceDescriptor) -> None:
        """Switch to the first of the transport's rates at which the device answers."""
        if self._baud is not None:
            return
        for baud in self._transport.bauds:
            divisor = baud_divisor(descriptor.clock, baud)
            if divisor is None:
                continue
            # The answer to RATE already comes at the new rate and may be lost during the change, so a POLL asks for another one.
            self.send(PacketKind.RATE, divisor)
            if self._transport.set_baud(baud) and self.request(PacketKind.POLL, PacketKind.STATUS, PacketKind.NAK, attempts=PROBE_ATTEMPTS):
                self._baud = baud
                logger.info("baud rate: %d bits per second", baud)
                return
            logger.info("baud rate: no answer at %d bits per second", baud)
            self._transport.reset_baud()
            if self.request(PacketKind.OPEN, PacketKind.STATUS, PacketKind.NAK) is None:
                return


def window_of(packet: Packet) -> int | None:
    """The free space that a STATUS or NAK packet reports; None where its payload is malformed."""
    if len(packet.payload) != WINDOW_FIELD.size:
        return None
    window: int = WINDOW_FIELD.unpack(packet.payload)[0]
    return window


def _log_packet(direction: str, packet: Packet) -> None:
    """One line for a packet, at level DEBUG."""
    if logger.isEnabledFor(logging.DEBUG):
        kind = PacketKind(packet.kind).name if packet.kind in PacketKind.__members__.values() else f"kind {packet.kind}"
        logger.debug(
            "%s %s: session 0x%04x, sequence %d, %d bytes of payload", direction, kind, packet.session, packet.sequence, len(packet.payload)
        )
