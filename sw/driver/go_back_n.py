# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The sender's side of flow control: which packets may be sent now, and which must be retransmitted (go-back-N)."""

from collections import deque
from collections.abc import Iterable, Iterator

from ..link.packets import SESSION_PACKETS


class SendWindow:
    """The payloads of a session's DATA packets, from the first that the device has not acknowledged.

    They are in three sections::

        payloads      | sent, unacknowledged | sent before go_back() | never sent
        sequence      base                   base + sent             base + reached

    The device's free space bounds the bytes in the first section. Sequence numbers do not wrap around.

    Parameters
    ----------
    free_space: payload bytes that fit the device's buffer at first
    """

    def __init__(self, free_space: int) -> None:
        self._free_space = free_space
        self._payloads: deque[bytes] = deque()
        self._base = 0
        self._sent = 0
        self._reached = 0
        self._bytes_in_flight = 0
        self.retransmissions = 0
        """Packets that were sent again."""

    @property
    def has_unsent(self) -> bool:
        """Whether payloads must still be sent, for the first time or again."""
        return self._sent < len(self._payloads)

    @property
    def has_unacknowledged(self) -> bool:
        """Whether packets were sent that are not acknowledged."""
        return self._sent > 0

    @property
    def remaining(self) -> int:
        """Number of payloads that the session still has sequence numbers for."""
        return SESSION_PACKETS - self._base - len(self._payloads)

    def add(self, payloads: Iterable[bytes]) -> None:
        """Append payloads, at most ``remaining``."""
        self._payloads.extend(payloads)

    def sendable(self) -> Iterator[tuple[int, bytes]]:
        """Sequence number and payload of each packet that fits the device's free space; the caller sends each one that it takes."""
        while self.has_unsent and self._bytes_in_flight + len(self._payloads[self._sent]) <= self._free_space:
            payload = self._payloads[self._sent]
            sequence = self._base + self._sent
            self._sent += 1
            self._bytes_in_flight += len(payload)
            self.retransmissions += self._sent <= self._reached
            self._reached = max(self._reached, self._sent)
            yield sequence, payload

    def acknowledge(self, sequence: int, free_space: int) -> int | None:
        """Process a cumulative ACK: the device expects packet ``sequence`` next and has ``free_space`` bytes left.

        Returns the number of packets that this acknowledges. Returns None, and changes nothing, where the device cannot expect that
        packet: the message is from the past.
        """
        acknowledged = sequence - self._base
        if not 0 <= acknowledged <= self._reached:
            return None
        for _ in range(acknowledged):
            payload = self._payloads.popleft()
            if self._sent:
                self._sent -= 1
                self._bytes_in_flight -= len(payload)
        self._base += acknowledged
        self._reached -= acknowledged
        self._free_space = free_space
        return acknowledged

    def go_back(self) -> None:
        """Retransmit everything that is not acknowledged."""
        self._sent = self._bytes_in_flight = 0
