# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The driver against a scripted device: polls while it computes, retransmission after a NAK, and what it logs."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from firebrick.sw.driver.linked_device import MAX_STALLS, POLLS_PER_FRAME, STALL_FRAMES, LinkedDevice
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.packets import INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketKind
from tests.helpers.boards import tiny_frames
from tests.helpers.scripted_device import DESCRIPTOR, FRAME_SECONDS, MODEL, ScriptedDevice


class DamagingDevice(ScriptedDevice):
    """Receives the first packet of sequence number 1 damaged: answers NAK, and drops what follows until the packet comes again."""

    def __init__(self) -> None:
        super().__init__()
        self._damaged = self.dropped = 0

    def handle(self, packet: Packet) -> None:
        if packet.kind == PacketKind.DATA and packet.sequence == 1 and not self._damaged:
            self._damaged += 1
            self.send(PacketKind.NAK, self.expected, WINDOW_FIELD.pack(INITIAL_WINDOW))
        elif packet.kind == PacketKind.DATA and packet.sequence != self.expected:
            self.dropped += 1
        else:
            super().handle(packet)


@pytest.mark.parametrize("lost", [0, 1])
def test_driver_polls_a_computing_device_seldom_and_yet_soon_enough(lost: int) -> None:
    frames, transport = tiny_frames(np.random.default_rng(0), 1), ScriptedDevice(lost)
    with LinkedDevice(MODEL, transport) as device:
        start, first = transport.now(), len(transport.received)
        assert [result.scores is not None for result in device.stream(frames)] == [True]
        assert device.counters()["restarts"] == 0
    polls = sum(packet.kind == PacketKind.POLL for packet in transport.received[first:])
    assert polls <= 2 * POLLS_PER_FRAME
    assert transport.now() - start <= (1 + 2 / POLLS_PER_FRAME) * FRAME_SECONDS


def test_driver_retransmits_from_the_packet_that_a_nak_names_at_once() -> None:
    frames, transport = tiny_frames(np.random.default_rng(0), 1), DamagingDevice()
    with LinkedDevice(MODEL, transport) as device:
        first = len(transport.received)
        assert [result.scores is not None for result in device.stream(frames)] == [True]
        counters = device.counters()
    packets = [(PacketKind(packet.kind).name, packet.sequence) for packet in transport.received[first:]]
    sequences = [sequence for kind, sequence in packets if kind == "DATA"]
    assert sequences == [0, 1, 2, 1, 2], "go-back-N from packet 1; packet 0 is acknowledged"
    assert packets.index(("POLL", 0)) > len(sequences) - 1, "the NAK alone causes it: no timeout passes, after which the driver would poll"
    assert (counters["repeated"], counters["restarts"], transport.dropped) == (2, 0, 1)


class MuteDevice(ScriptedDevice):
    """Answers everything and acknowledges every packet, and never sends scores."""

    def send(self, kind: PacketKind, sequence: int, payload: bytes) -> None:
        if kind != PacketKind.SCORES:
            super().send(kind, sequence, payload)


class HalfMuteDevice(MuteDevice):
    """Answers OPEN, and nothing after it."""

    def handle(self, packet: Packet) -> None:
        if packet.kind not in (PacketKind.DATA, PacketKind.POLL):
            super().handle(packet)


@pytest.mark.parametrize("kind", [MuteDevice, HalfMuteDevice])
def test_driver_gives_up_a_device_that_answers_and_never_gives_scores(kind: type[ScriptedDevice]) -> None:
    transport = kind()
    with LinkedDevice(MODEL, transport) as device:
        stall = STALL_FRAMES * (FRAME_SECONDS + device._session.timeout)
        start, scores = transport.now(), list[object]()
        message = rf"device scripted: it answers, but has given no scores for {MAX_STALLS * stall:.3g} seconds; switch it off and on"
        with pytest.raises(FirebrickError, match=message):
            scores += (result.scores for result in device.stream(tiny_frames(np.random.default_rng(0), 1000)))
        assert scores == [None] * len(scores)
        assert MAX_STALLS * stall <= transport.now() - start < 1.2 * MAX_STALLS * stall


def test_driver_opens_no_session_again_because_its_caller_was_slow() -> None:
    """The time that the caller keeps a result does not count as a time without progress."""
    transport = ScriptedDevice()
    with LinkedDevice(MODEL, transport) as device:
        for _ in device.stream(tiny_frames(np.random.default_rng(0), 3)):
            transport.pass_time(3600)
        assert device.counters()["restarts"] == 0


def test_driver_names_the_device_whose_descriptor_is_impossible() -> None:
    class Absurd(ScriptedDevice):
        def send(self, kind: PacketKind, sequence: int, payload: bytes) -> None:
            super().send(kind, sequence, replace(DESCRIPTOR, cycles=0).encode() if kind == PacketKind.IDENTITY else payload)

    with pytest.raises(FirebrickError, match="device scripted: the device descriptor is impossible: cycles of a frame must be 1 to"):
        LinkedDevice(MODEL, Absurd())


def test_driver_logs_packets_sessions_and_retransmissions(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "firebrick.sw.driver")
    with LinkedDevice(MODEL, DamagingDevice()) as device:
        list(device.stream(tiny_frames(np.random.default_rng(0), 1)))
    lines = {
        level: [record.getMessage() for record in caplog.records if record.levelno == level] for level in (logging.DEBUG, logging.INFO)
    }
    assert any(line.startswith("sent DATA: ") and line.endswith("sequence 1, 1000 bytes of payload") for line in lines[logging.DEBUG])
    assert any(line.startswith("received NAK: ") and line.endswith("sequence 1, 2 bytes of payload") for line in lines[logging.DEBUG])
    assert any(line.endswith(": opened") for line in lines[logging.INFO])
    assert "NAK: retransmitting from packet 1" in lines[logging.INFO]
