# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A device that consists of its answers alone, on a clock of its own: no hardware, no waiting."""

from dataclasses import replace

from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.driver.transport import Transport
from firebrick.sw.link.identity import describe_device
from firebrick.sw.link.packets import CLASS_INDEX, COUNTER, COUNTER_NAMES, INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketDecoder, PacketKind
from tests.helpers.boards import tiny_model

MODEL = tiny_model()
DESCRIPTOR = replace(describe_device(MODEL, compile_model(MODEL, 2), 1e6), cycles=100_000)
FRAME_SECONDS = DESCRIPTOR.cycles / DESCRIPTOR.clock
"""Seconds of the device's clock that it computes a frame."""
ANSWERS = {
    PacketKind.OPEN: PacketKind.STATUS,
    PacketKind.DATA: PacketKind.STATUS,
    PacketKind.POLL: PacketKind.STATUS,
    PacketKind.IDENTIFY: PacketKind.IDENTITY,
    PacketKind.COUNT: PacketKind.COUNTERS,
}


class ScriptedDevice(Transport):
    """Takes each packet at once, and returns a frame's scores, all zero, a frame's time after its last byte.

    Parameters
    ----------
    lost_results: number of results that are lost at first
    """

    def __init__(self, lost_results: int = 0) -> None:
        self.address, self.latency, self.byte_seconds = "scripted", 1e-4, 1e-7
        self._decoder = PacketDecoder()
        self._outgoing = list[bytes]()
        self._time = 0.0
        self.session = self.expected = 0
        """The session, and the sequence number of the next DATA packet."""
        self._frame_bytes = self._result = 0
        self._result_due: float | None = None
        self._lost_results = lost_results
        self.received = list[Packet]()
        """All packets from the host."""

    def write(self, data: bytes) -> None:
        for packet in self._decoder.feed(data):
            self.received.append(packet)
            self.handle(packet)

    def read(self, timeout: float) -> bytes:
        if self._outgoing:
            return self._outgoing.pop(0)
        if self._result_due is not None and self._result_due <= self._time + timeout:
            self._time, self._result_due = max(self._time, self._result_due), None
            self._lost_results -= 1
            if self._lost_results < 0:
                self.send(PacketKind.SCORES, self._result, CLASS_INDEX.pack(0) + bytes(DESCRIPTOR.classes * DESCRIPTOR.score_bytes))
            return self._outgoing.pop(0) if self._outgoing else b""
        self._time += timeout
        return b""

    def now(self) -> float:
        return self._time

    def pass_time(self, seconds: float) -> None:
        """Let the clock advance."""
        self._time += seconds

    def close(self) -> None:
        pass

    def handle(self, packet: Packet) -> None:
        """Answer a packet."""
        if packet.kind == PacketKind.OPEN and packet.session != self.session:
            self.session, self.expected, self._frame_bytes, self._result = packet.session, 0, 0, 0
        if packet.kind == PacketKind.DATA:
            self._take(packet.payload)
        if packet.kind == PacketKind.POLL and packet.sequence > self._result:
            self._result = packet.sequence
        elif packet.kind == PacketKind.POLL and self._result_due is None:
            self._result_due = self._time
        payloads = {
            PacketKind.IDENTITY: DESCRIPTOR.encode(),
            PacketKind.COUNTERS: bytes(COUNTER.size * len(COUNTER_NAMES)),
            PacketKind.STATUS: WINDOW_FIELD.pack(INITIAL_WINDOW),
        }
        answer = ANSWERS[PacketKind(packet.kind)]
        self.send(answer, self.expected, payloads[answer])

    def _take(self, payload: bytes) -> None:
        self.expected += 1
        self._frame_bytes += len(payload)
        if self._frame_bytes == DESCRIPTOR.frame_bytes:
            self._frame_bytes, self._result_due = 0, self._time + FRAME_SECONDS

    def send(self, kind: PacketKind, sequence: int, payload: bytes) -> None:
        """Queue a packet for the host."""
        self._outgoing.append(Packet(kind, self.session, sequence, payload).encode())
