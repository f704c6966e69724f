# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fault injection: a transport that loses, repeats, reorders, damages, truncates and delays packets, adds noise, and disconnects."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..sw.driver.transport import Transport

FAULTS = ("drop", "duplicate", "reorder", "corrupt", "truncate", "delay", "noise", "disconnect")
MAX_DELAY_LATENCIES = 100
"""Maximum delay of a packet, and maximum time of a disconnection, in latencies of the transport: both exceed the driver's timeouts."""


class FaultyTransport(Transport):
    """Another transport with random faults in both directions, drawn for each packet.

    Parameters
    ----------
    inner: carries the remaining bytes; closed with this transport
    rng: draws the faults
    fault_rate: fraction of the packets that have a fault
    faults: the possible faults, of ``FAULTS``
    """

    def __init__(self, inner: Transport, rng: np.random.Generator, fault_rate: float, faults: Sequence[str] = FAULTS) -> None:
        self._inner = inner
        self._rng = rng
        self.fault_rate = fault_rate
        """May be changed at any time."""
        self._faults = list(faults)
        self.fault_at: int | None = None
        """Unless None: number of packets to the device before the only one that has a fault; ``fault_rate`` is then ignored."""
        self.address, self.latency, self.byte_seconds = inner.address, inner.latency, inner.byte_seconds
        self.packets = 0
        """Packets so far, in both directions."""
        self.injected: Counter[str] = Counter()
        """Number of faults so far, by kind."""
        # One entry per direction; True is outwards, to the device.
        self._partial = {True: b"", False: b""}
        self._delayed: dict[bool, list[tuple[float, bytes]]] = {True: [], False: []}
        self._overtaken = {True: b"", False: b""}
        self._disconnected_until = 0.0

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        self._inner.write(self._pass(data, outwards=True))

    def read(self, timeout: float) -> bytes:
        """See ``Transport``."""
        deadline = self.now() + timeout
        while True:
            if due := self._due(outwards=True):
                self._inner.write(due)
            if due := self._due(outwards=False):
                return due
            remaining = deadline - self.now()
            if remaining <= 0:
                return b""
            next_due = min((time for packets in self._delayed.values() for time, _ in packets), default=deadline)
            if data := self._pass(self._inner.read(max(0.0, min(remaining, next_due - self.now()))), outwards=False):
                return data

    def now(self) -> float:
        """See ``Transport``."""
        return self._inner.now()

    def close(self) -> None:
        """See ``Transport``."""
        self._inner.close()

    def _due(self, *, outwards: bool) -> bytes:
        """The packets whose delay is over."""
        now = self.now()
        due = b"".join(data for time, data in self._delayed[outwards] if time <= now)
        self._delayed[outwards] = [(time, data) for time, data in self._delayed[outwards] if time > now]
        return due

    def _pass(self, data: bytes, *, outwards: bool) -> bytes:
        """The bytes that arrive when these are sent."""
        *packets, self._partial[outwards] = (self._partial[outwards] + data).split(b"\0")
        arriving = b""
        for packet in packets:
            self.packets += 1
            wire = packet + b"\0"
            fault = str(self._rng.choice(self._faults)) if self._faulty(outwards) else ""
            if fault:
                self.injected[fault] += 1
            if fault == "disconnect":
                self._disconnected_until = self._random_delay()
            if self.now() < self._disconnected_until:
                continue
            if fault == "reorder":
                self._overtaken[outwards] += wire
                continue
            arriving += self._damage(wire, fault, outwards) + self._overtaken[outwards]
            self._overtaken[outwards] = b""
        return arriving

    def _faulty(self, outwards: bool) -> bool:
        if self.fault_at is None:
            return bool(self._rng.random() < self.fault_rate)
        self.fault_at -= outwards
        return outwards and self.fault_at == -1

    def _damage(self, wire: bytes, fault: str, outwards: bool) -> bytes:
        """The bytes that arrive now for a packet with a fault."""
        match fault:
            case "drop":
                return b""
            case "duplicate":
                return wire * int(self._rng.integers(2, 4))
            case "delay":
                self._delayed[outwards].append((self._random_delay(), wire))
                return b""
            case "corrupt":
                corrupted = bytearray(wire)
                for _ in range(int(self._rng.integers(1, 9))):
                    corrupted[int(self._rng.integers(len(wire)))] ^= 1 << int(self._rng.integers(8))
                return bytes(corrupted)
            case "truncate":
                truncated = wire[: int(self._rng.integers(len(wire)))]
                return truncated + b"\0" * int(self._rng.integers(2))
            case "noise":
                return self._rng.bytes(int(self._rng.integers(1, 300))) + wire
        return wire

    def _random_delay(self) -> float:
        return self.now() + float(self._rng.uniform(0, MAX_DELAY_LATENCIES)) * self.latency
