# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A bad cable: it loses, repeats, swaps, damages, cuts and delays packets, adds noise, and comes loose."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..sw.driver.transport import Transport

FAULTS = ("drop", "duplicate", "reorder", "corrupt", "truncate", "delay", "noise", "disconnect")
MAX_DELAY_LATENCIES = 100
"""Latencies of the transport that a delayed packet is late, or a loose cable is loose, at most."""


class FaultyTransport(Transport):
    """Another transport with faults in both directions, each packet's drawn for itself.

    Parameters
    ----------
    inner: what carries what is left; closed with this one
    rng: draws the faults
    fault_rate: of packets that have a fault
    faults: those that may happen, of ``FAULTS``
    """

    def __init__(self, inner: Transport, rng: np.random.Generator, share: float, faults: Sequence[str] = FAULTS) -> None:
        self._inner = inner
        self._rng = rng
        self.fault_rate = share
        """May be changed at any time."""
        self._faults = list(faults)
        self.fault_at: int | None = None
        """Unless it is None: how many packets to the device pass before the one that has a fault; all others have none."""
        self.address, self.latency, self.byte_seconds = inner.address, inner.latency, inner.byte_seconds
        self.packets = 0
        """Packets so far, both ways together."""
        self.injected: Counter[str] = Counter()
        """How often each fault happened."""
        self._partial = {True: b"", False: b""}  # True is outwards
        self._held: dict[bool, list[tuple[float, bytes]]] = {True: [], False: []}
        self._overtaken = {True: b"", False: b""}
        self._loose_until = 0.0

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        self._inner.write(self._pass(data, outwards=True))

    def read(self, seconds: float) -> bytes:
        """See ``Transport``."""
        end = self.now() + seconds
        while True:
            if late := self._due(outwards=True):
                self._inner.write(late)
            if late := self._due(outwards=False):
                return late
            left = end - self.now()
            if left <= 0:
                return b""
            next_due = min((time for held in self._held.values() for time, _ in held), default=end)
            if found := self._pass(self._inner.read(max(0.0, min(left, next_due - self.now()))), outwards=False):
                return found

    def now(self) -> float:
        """See ``Transport``."""
        return self._inner.now()

    def close(self) -> None:
        """See ``Transport``."""
        self._inner.close()

    def _due(self, *, outwards: bool) -> bytes:
        """What was held long enough."""
        now = self.now()
        due = b"".join(data for time, data in self._held[outwards] if time <= now)
        self._held[outwards] = [(time, data) for time, data in self._held[outwards] if time > now]
        return due

    def _pass(self, data: bytes, *, outwards: bool) -> bytes:
        """What comes out of the cable when these bytes go in."""
        *packets, self._partial[outwards] = (self._partial[outwards] + data).split(b"\0")
        found = b""
        for packet in packets:
            self.packets += 1
            wire = packet + b"\0"
            fault = str(self._rng.choice(self._faults)) if self._faulty(outwards) else ""
            if fault:
                self.injected[fault] += 1
            if fault == "disconnect":
                self._loose_until = self._later()
            if self.now() < self._loose_until:
                continue
            if fault == "reorder":
                self._overtaken[outwards] += wire
                continue
            found += self._damaged(wire, fault, outwards) + self._overtaken[outwards]
            self._overtaken[outwards] = b""
        return found

    def _faulty(self, outwards: bool) -> bool:
        if self.fault_at is None:
            return bool(self._rng.random() < self.fault_rate)
        self.fault_at -= outwards
        return outwards and self.fault_at == -1

    def _damaged(self, wire: bytes, fault: str, outwards: bool) -> bytes:
        match fault:
            case "drop":
                return b""
            case "duplicate":
                return wire * int(self._rng.integers(2, 4))
            case "delay":
                self._held[outwards].append((self._later(), wire))
                return b""
            case "corrupt":
                changed = bytearray(wire)
                for _ in range(int(self._rng.integers(1, 9))):
                    changed[int(self._rng.integers(len(wire)))] ^= 1 << int(self._rng.integers(8))
                return bytes(changed)
            case "truncate":
                cut = wire[: int(self._rng.integers(len(wire)))]
                return cut + b"\0" * int(self._rng.integers(2))
            case "noise":
                return self._rng.bytes(int(self._rng.integers(1, 300))) + wire
        return wire

    def _later(self) -> float:
        return self.now() + float(self._rng.uniform(0, MAX_DELAY_LATENCIES)) * self.latency
