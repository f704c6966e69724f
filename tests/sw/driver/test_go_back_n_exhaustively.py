# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The host's side of go-back-N in every state that it can reach over a link that loses, repeats, reorders and delays without bound.

The device is modelled as `docs/protocol.md` defines it, and as `sim/formal/properties/endpoint.py` proves of the hardware: it takes the
packet that is next, if that fits. Whatever was sent once may arrive at any later time, any number of times; so may every answer that the
device could have given.
"""

from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import pytest

from firebrick.sw.driver.go_back_n import SendWindow

PAYLOADS = [b"a", b"bb", b"c", b"d", b"ee"]
ROOM = 3
"""Payload bytes that the device's buffer holds."""


@dataclass
class State:
    """The host's window, the device and the link."""

    window: SendWindow
    acknowledged: int = 0
    """Packets that the host knows to have arrived."""
    accepted: int = 0
    """Packets that the device has taken."""
    held: int = 0
    """Payload bytes in its buffer."""
    sent: int = 0
    """Packets that were ever sent: those before this one may arrive."""

    @property
    def key(self) -> tuple[object, ...]:
        """What distinguishes it from other states."""
        window = {name: value for name, value in vars(self.window).items() if name != "retransmissions"}
        values = [tuple(value) if isinstance(value, deque) else value for value in window.values()]
        return (*values, self.acknowledged, self.accepted, self.held, self.sent)

    def send(self) -> "State":
        """The host sends the next packet that it may, if there is one."""
        after = deepcopy(self)
        for sequence, payload in after.window.sendable():
            assert payload == PAYLOADS[sequence], "a payload goes under its own number"
            assert sequence <= after.sent, "no number is left out"
            after.sent = max(after.sent, sequence + 1)
            break
        return after

    def arrive(self, sequence: int) -> "State":
        """A packet arrives at the device."""
        size = len(PAYLOADS[sequence])
        if sequence != self.accepted or self.held + size > ROOM:
            return self
        return replace(deepcopy(self), accepted=self.accepted + 1, held=self.held + size)

    def answer(self, expected: int, free_space: int) -> "State":
        """An answer of the device arrives at the host."""
        after = deepcopy(self)
        after.acknowledged += after.window.acknowledge(expected, free_space) or 0
        assert after.acknowledged <= after.accepted, "what is acknowledged was accepted"
        assert after.acknowledged >= self.acknowledged
        return after

    def go_back(self) -> "State":
        """The host's timeout."""
        after = deepcopy(self)
        after.window.go_back()
        return after

    def following(self) -> Iterator["State"]:
        """Every state that can come next."""
        yield self.send()
        yield self.go_back()
        for sequence in range(self.sent):
            yield self.arrive(sequence)
        for expected in range(self.accepted + 1):
            for free_space in range(ROOM + 1):
                yield self.answer(expected, free_space)
        if self.held:
            yield replace(deepcopy(self), held=self.held - 1)

    def completes(self) -> bool:
        """Whether all packets are delivered from here, once the link loses nothing more."""
        state = self
        for _ in range(3 * len(PAYLOADS)):
            # What is sent in this round arrives, in order; what was sent earlier does not.
            while (after := state.send()).key != state.key:
                state = after
                state = state.arrive(vars(state.window)["_base"] + vars(state.window)["_sent"] - 1)
            before = state.acknowledged
            state = replace(deepcopy(state), held=0)
            state = state.answer(state.accepted, ROOM)
            if state.acknowledged == before:
                state = state.go_back()
        return state.accepted == state.acknowledged == len(PAYLOADS) and not state.window.has_unsent


def explore(window: SendWindow) -> int:
    """Visit every reachable state; returns how many there are."""
    window.add(PAYLOADS)
    start = State(window)
    seen = {start.key}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        assert state.completes(), "everything arrives once the link works"
        for after in state.following():
            if after.key not in seen:
                seen.add(after.key)
                waiting.append(after)
    return len(seen)


def test_window_delivers_in_every_reachable_state() -> None:
    assert explore(SendWindow(ROOM)) > 300


class TakesThePastForTheFuture(SendWindow):
    """Counts numbers modulo 4, as short sequence numbers that wrap around would."""

    def acknowledge(self, sequence: int, free_space: int) -> int | None:
        base: int = vars(self)["_base"]
        return super().acknowledge(base + (sequence - base) % 4, free_space)


class ForgetsWhatItSent(SendWindow):
    """Does not expect an acknowledgement of what it has gone back on."""

    def go_back(self) -> None:
        super().go_back()
        vars(self)["_reached"] = 0


class NeverGoesBack(SendWindow):
    """Waits for ever for the acknowledgement of a lost packet."""

    def go_back(self) -> None:
        pass


@pytest.mark.parametrize("faulty", [TakesThePastForTheFuture, ForgetsWhatItSent, NeverGoesBack])
def test_a_faulty_window_is_found(faulty: type[SendWindow]) -> None:
    with pytest.raises(AssertionError):
        explore(faulty(ROOM))
