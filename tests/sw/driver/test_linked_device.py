# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The driver against a device that is nothing but its answers, and computes for long."""

from dataclasses import replace

import numpy as np
import pytest

from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.driver.linked_device import POLLS_PER_FRAME, LinkedDevice
from firebrick.sw.driver.transport import Transport
from firebrick.sw.link.identity import describe_device
from firebrick.sw.link.packets import CLASS_INDEX, COUNTER, COUNTER_NAMES, INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketDecoder, PacketKind
from tests.helpers.boards import tiny_frames, tiny_model

MODEL = tiny_model()
IDENTITY = replace(describe_device(MODEL, compile_model(MODEL, 2), 1e6), cycles=100_000)
COMPUTES = IDENTITY.cycles / IDENTITY.clock
"""Seconds."""
ANSWERS = {
    PacketKind.OPEN: PacketKind.STATUS,
    PacketKind.DATA: PacketKind.STATUS,
    PacketKind.POLL: PacketKind.STATUS,
    PacketKind.IDENTIFY: PacketKind.IDENTITY,
    PacketKind.COUNT: PacketKind.COUNTERS,
}


class Computing(Transport):
    """Takes each packet at once and has a frame's scores, all zero, a frame's time after its last byte; loses some at first."""

    def __init__(self, lost: int) -> None:
        self.address, self.latency, self.byte_seconds = "stub", 1e-4, 1e-7
        self._decoder = PacketDecoder()
        self._waiting = list[bytes]()
        self._time = 0.0
        self._session = self._expected = self._bytes = self._result = 0
        self._due: float | None = None
        self._lost = lost
        self.wants = 0

    def write(self, data: bytes) -> None:
        for packet in self._decoder.feed(data):
            self._take(packet)

    def read(self, seconds: float) -> bytes:
        if self._waiting:
            return self._waiting.pop(0)
        if self._due is not None and self._due <= self._time + seconds:
            self._time, self._due = max(self._time, self._due), None
            self._lost -= 1
            if self._lost < 0:
                self._say(PacketKind.SCORES, self._result, CLASS_INDEX.pack(0) + bytes(IDENTITY.classes * IDENTITY.score_bytes))
            return self._waiting.pop(0) if self._waiting else b""
        self._time += seconds
        return b""

    def now(self) -> float:
        return self._time

    def close(self) -> None:
        pass

    def _take(self, packet: Packet) -> None:
        self.wants += packet.kind == PacketKind.POLL
        if packet.kind == PacketKind.OPEN:
            self._session, self._expected, self._bytes, self._result = packet.session, 0, 0, 0
        if packet.kind == PacketKind.DATA:
            self._expected += 1
            self._bytes += len(packet.payload)
            if self._bytes == IDENTITY.frame_bytes:
                self._bytes, self._due = 0, self._time + COMPUTES
        if packet.kind == PacketKind.POLL and packet.sequence > self._result:
            self._result = packet.sequence
        elif packet.kind == PacketKind.POLL and self._due is None:
            self._due = self._time
        payloads = {
            PacketKind.IDENTITY: IDENTITY.encode(),
            PacketKind.COUNTERS: bytes(COUNTER.size * len(COUNTER_NAMES)),
            PacketKind.STATUS: WINDOW_FIELD.pack(INITIAL_WINDOW),
        }
        answer = ANSWERS[PacketKind(packet.kind)]
        self._say(answer, self._expected, payloads[answer])

    def _say(self, kind: PacketKind, number: int, payload: bytes) -> None:
        self._waiting.append(Packet(kind, self._session, number, payload).encode())


@pytest.mark.parametrize("lost", [0, 1])
def test_driver_asks_a_computing_device_seldom_and_yet_soon_enough(lost: int) -> None:
    frames, line = tiny_frames(np.random.default_rng(0), 1), Computing(lost)
    with LinkedDevice(MODEL, line) as device:
        start, asked = line.now(), line.wants
        assert [result.scores is not None for result in device.stream(frames)] == [True]
        assert device.counters()["restarts"] == 0
    assert line.wants - asked <= 2 * POLLS_PER_FRAME
    assert line.now() - start <= (1 + 2 / POLLS_PER_FRAME) * COMPUTES
