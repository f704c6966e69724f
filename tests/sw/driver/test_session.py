# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Sessions: a session number that the device has already, and a device that never answers."""

import random
from collections.abc import Callable

import pytest

from firebrick.sw.driver.session import LOST_AFTER_TIMEOUTS, Session
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.packets import Packet, PacketKind
from tests.helpers.scripted_device import DESCRIPTOR, ScriptedDevice

COLLIDING, OTHER = 0x0123, 0x4567


class SilentDevice(ScriptedDevice):
    """Never answers."""

    def handle(self, packet: Packet) -> None:
        """Ignore a packet."""


def choosing(*numbers: int) -> Callable[[list[int]], int]:
    """A replacement for ``random.choice`` that gives these session numbers one after the other."""
    remaining = list(numbers)

    def choice(candidates: list[int]) -> int:
        number = remaining.pop(0)
        assert number in candidates
        return number

    return choice


def test_session_takes_another_number_when_the_device_is_in_one_of_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device took 3 packets of an earlier client in a session of that number: sequence numbers do not start at 0 there."""
    monkeypatch.setattr(random, "choice", choosing(COLLIDING, OTHER))
    device = ScriptedDevice()
    device.session, device.expected = COLLIDING, 3
    session = Session(device)
    session.open(DESCRIPTOR)
    assert [packet.session for packet in device.received if packet.kind == PacketKind.OPEN] == [COLLIDING, OTHER]
    assert (device.session, device.expected) == (OTHER, 0)
    session.send(PacketKind.DATA, 0, b"x")
    assert device.received[-1].session == OTHER
    assert device.expected == 1


def test_session_keeps_a_number_that_the_device_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "choice", choosing(OTHER))
    device = ScriptedDevice()
    device.session, device.expected = COLLIDING, 3
    Session(device).open(DESCRIPTOR)
    assert (device.session, device.expected) == (OTHER, 0)


def test_session_never_opens_the_number_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "choice", choosing(OTHER, COLLIDING))
    device = ScriptedDevice()
    session = Session(device)
    session.open(DESCRIPTOR)
    candidates = list[list[int]]()
    monkeypatch.setattr(random, "choice", lambda numbers: candidates.append(numbers) or COLLIDING)  # type: ignore[func-returns-value]
    session.open(DESCRIPTOR)
    assert OTHER not in candidates[0]
    assert 0 not in candidates[0]


def test_session_gives_up_a_device_that_never_answers() -> None:
    device = SilentDevice()
    session = Session(device)
    with pytest.raises(FirebrickError, match="device scripted: it was lost; check its cable and its power"):
        session.open(DESCRIPTOR)
    assert LOST_AFTER_TIMEOUTS * session.timeout <= device.now() <= (LOST_AFTER_TIMEOUTS + 4) * session.timeout
