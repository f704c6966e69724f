# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Packets over a transport: questions and their answers, sessions, and the rate of the line."""

import random
from collections import deque
from itertools import count

from ..errors import FirebrickError
from ..link.identity import DeviceDescriptor, decode_descriptor
from ..link.packets import BAUD_DIVISORS, BUFFER_BYTES, COUNTER, COUNTER_NAMES, WINDOW_FIELD, Packet, PacketDecoder, PacketKind
from .transport import Transport

PROBE_ATTEMPTS = 2
"""Times a question is asked where there is another way."""
MAX_ATTEMPTS = 6
"""Times a question is asked before the device is given up."""
LOST_AFTER_TIMEOUTS = 64
"""Timeouts of silence after which a device that has answered before is lost."""
MAX_BAUD_ERROR = 0.02
"""Share by which a device's rate may miss that of the line."""


class Session:
    """Sends and receives packets of one session.

    Parameters
    ----------
    transport: carries the bytes; closed by whoever made it
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._decoder = PacketDecoder()
        self._found: deque[Packet] = deque()
        self._session = 0
        self._baud: int | None = None
        self.bytes_sent = 0
        self.bytes_received = 0

    @property
    def damaged(self) -> int:
        """Packets of the device that came damaged."""
        return self._decoder.damaged

    @property
    def timeout(self) -> float:
        """Seconds after which an answer is lost."""
        return 2 * self._transport.latency + 3 * BUFFER_BYTES * self._transport.byte_seconds

    def send(self, kind: PacketKind, number: int = 0, payload: bytes = b"") -> None:
        """Send a packet of this session."""
        wire = Packet(kind, self._session, number % (1 << 16), payload).encode()
        self.bytes_sent += len(wire)
        self._transport.write(wire)

    def receive(self, seconds: float) -> Packet | None:
        """The next packet of this session, or an answer of any session; None after so many seconds."""
        end = self._transport.now() + seconds
        while True:
            while self._found:
                packet = self._found.popleft()
                if packet.session == self._session or packet.kind in (PacketKind.IDENTITY, PacketKind.COUNTERS):
                    return packet
            left = end - self._transport.now()
            if left <= 0:
                return None
            data = self._transport.read(left)
            self.bytes_received += len(data)
            self._found.extend(self._decoder.feed(data))

    def request(self, question: PacketKind, *answers: PacketKind, number: int = 0, times: int = MAX_ATTEMPTS) -> Packet | None:
        """Ask until there is an answer; None where there is none. Other packets that come meanwhile are received afterwards."""
        others: list[Packet] = []
        try:
            for _ in range(times):
                self.send(question, number)
                end = self._transport.now() + self.timeout
                while (packet := self.receive(end - self._transport.now())) is not None:
                    if packet.kind in answers:
                        return packet
                    others.append(packet)
            return None
        finally:
            self._found.extendleft(reversed(others))

    def identify(self, times: int = MAX_ATTEMPTS) -> DeviceDescriptor:
        """What the device is, asked so many times. Raises FirebrickError where nothing answers that speaks this protocol."""
        self._reset_baud()
        packet = self.request(PacketKind.IDENTIFY, PacketKind.IDENTITY, times=times)
        if packet is None:
            raise FirebrickError(
                f"device {self._transport.address}: nothing answers; check that the board is switched on and holds a bitstream of firebrick"
            )
        return decode_descriptor(packet.payload)

    def counters(self) -> dict[str, int] | None:
        """What the device has counted since it was switched on; None where it does not answer."""
        packet = self.request(PacketKind.COUNT, PacketKind.COUNTERS)
        if packet is None or len(packet.payload) != COUNTER.size * len(COUNTER_NAMES):
            return None
        values = (value for (value,) in COUNTER.iter_unpack(packet.payload))
        return dict(zip(COUNTER_NAMES, values, strict=True))

    def open(self, identity: DeviceDescriptor) -> None:
        """Begin a new session, at the best rate that works. Raises FirebrickError where the device does not answer."""
        end = self._transport.now() + LOST_AFTER_TIMEOUTS * self.timeout
        for attempt in count():
            if attempt and self._transport.now() > end:
                break
            if attempt:
                self._reset_baud()
            self._session = random.choice([each for each in range(1, 1 << 16) if each != self._session])
            answer = self.request(PacketKind.OPEN, PacketKind.STATUS, PacketKind.NAK, times=PROBE_ATTEMPTS)
            if answer is not None and answer.sequence == 0:  # else the device was in a session of that number
                self._raise_baud(identity)
                return
        raise FirebrickError(f"device {self._transport.address}: it was lost; check its cable and its power, and start again")

    def _reset_baud(self) -> None:
        if self._transport.bauds:
            self._transport.reset_baud()
            self._baud = None

    def _raise_baud(self, identity: DeviceDescriptor) -> None:
        """Agree on the best rate at which the device is heard."""
        if self._baud is not None:
            return
        for baud in self._transport.bauds:
            divisor = round(identity.clock / baud)
            if divisor not in BAUD_DIVISORS or abs(identity.clock / divisor / baud - 1) > MAX_BAUD_ERROR:
                continue
            self.send(PacketKind.RATE, divisor)
            if self._transport.set_baud(baud) and self.request(PacketKind.POLL, PacketKind.STATUS, PacketKind.NAK, times=PROBE_ATTEMPTS):
                self._baud = baud
                return
            self._transport.reset_baud()
            if self.request(PacketKind.OPEN, PacketKind.STATUS, PacketKind.NAK) is None:
                return


def window_of(packet: Packet) -> int | None:
    """The room that a STATUS or AGAIN packet tells; None where it is nonsense."""
    if len(packet.payload) != WINDOW_FIELD.size:
        return None
    room: int = WINDOW_FIELD.unpack(packet.payload)[0]
    return room
