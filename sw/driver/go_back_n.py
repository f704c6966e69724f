# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The sender's side of flow control: which packets may go now, and which must go again (go-back-N)."""

from collections import deque
from collections.abc import Iterable, Iterator

_WRAP = 1 << 16


class SendWindow:
    """The payloads of a session's DATA packets, from the first that the device has not acknowledged.

    Parameters
    ----------
    room: bytes that the device has room for at first
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._payloads: deque[bytes] = deque()
        self._base = 0
        self._sent = 0  # of the payloads, how many are on their way
        self._reached = 0  # and how many have ever been
        self._bytes = 0
        self.retransmissions = 0
        """Packets that were sent again."""

    @property
    def has_unsent(self) -> bool:
        """Whether payloads have not been sent yet."""
        return self._sent < len(self._payloads)

    @property
    def has_unacknowledged(self) -> bool:
        """Whether packets were sent that are not acknowledged."""
        return self._sent > 0

    def add(self, payloads: Iterable[bytes]) -> None:
        """Append payloads."""
        self._payloads.extend(payloads)

    def sendable(self) -> Iterator[tuple[int, bytes]]:
        """Number and payload of each packet that the device has room for; whoever takes one sends it."""
        while self.has_unsent and self._bytes + len(self._payloads[self._sent]) <= self._room:
            payload = self._payloads[self._sent]
            number = (self._base + self._sent) % _WRAP
            self._sent += 1
            self._bytes += len(payload)
            self.retransmissions += self._sent <= self._reached
            self._reached = max(self._reached, self._sent)
            yield number, payload

    def acknowledge(self, number: int, room: int) -> int | None:
        """The device expects packet ``number`` and has room for so many bytes; returns how many packets it has taken since.

        None where no such packet can be expected: a message from the past, which changes nothing.
        """
        taken = (number - self._base) % _WRAP
        if taken > self._reached:
            return None
        for _ in range(taken):
            payload = self._payloads.popleft()
            if self._sent:
                self._sent -= 1
                self._bytes -= len(payload)
        self._base += taken
        self._reached -= taken
        self._room = room
        return taken

    def go_back(self) -> None:
        """Send everything again that is not acknowledged."""
        self._sent = self._bytes = 0
