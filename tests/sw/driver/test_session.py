# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Sessions: their numbers, one that the device has already, and a device that never answers."""

import random

import pytest

from firebrick.sw.driver.session import LOST_AFTER_TIMEOUTS, Session
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.packets import MAX_SESSION, Packet, PacketKind
from tests.helpers.scripted_device import DESCRIPTOR, ScriptedDevice


class SilentDevice(ScriptedDevice):
    """Never answers."""

    def handle(self, packet: Packet) -> None:
        """Ignore a packet."""


def opened(device: ScriptedDevice) -> list[int]:
    """The session numbers of the OPEN packets that a device has received."""
    return [packet.session for packet in device.received if packet.kind == PacketKind.OPEN]


def test_session_takes_another_number_when_the_device_is_in_one_of_the_same() -> None:
    """The device took 3 packets of an earlier client in a session of that number: sequence numbers do not start at 0 there."""
    device = ScriptedDevice()
    device.session, device.expected = 1, 3
    session = Session(device)  # which has not asked for the device's session
    session.open(DESCRIPTOR)
    assert opened(device) == [1, 2]
    assert (device.session, device.expected) == (2, 0)
    session.send(PacketKind.DATA, 0, b"x")
    assert device.received[-1].session == 2
    assert device.expected == 1


@pytest.mark.parametrize("current", [1, 0x1234, MAX_SESSION - 1, MAX_SESSION])
def test_sessions_are_numbered_upwards_from_the_one_of_the_device(current: int) -> None:
    """So a number comes again after all others only: a packet that was delayed meanwhile belongs to no open session."""
    device = ScriptedDevice()
    device.session = current
    session = Session(device)
    session.identify()
    for _ in range(3):
        session.open(DESCRIPTOR)
    assert opened(device) == [(current + count) % MAX_SESSION + 1 for count in range(3)]


def test_first_session_after_power_up_has_a_random_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "randint", lambda first, last: {(1, MAX_SESSION): 0x4567}[first, last])
    device = ScriptedDevice()
    session = Session(device)
    session.identify()
    session.open(DESCRIPTOR)
    assert opened(device) == [0x4568]


def test_session_gives_up_a_device_that_never_answers() -> None:
    device = SilentDevice()
    session = Session(device)
    with pytest.raises(FirebrickError, match="device scripted: it was lost; check its cable and its power"):
        session.open(DESCRIPTOR)
    assert LOST_AFTER_TIMEOUTS * session.timeout <= device.now() <= (LOST_AFTER_TIMEOUTS + 4) * session.timeout
