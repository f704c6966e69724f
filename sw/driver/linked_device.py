# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A device behind the link, whatever carries its bytes."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..link.identity import DeviceDescriptor, model_checksum
from ..link.packets import MAX_PAYLOAD, Packet, PacketKind
from ..model.frames import check_frame
from ..model.quantized import Model
from .device import Device, FrameResult
from .go_back_n import SendWindow
from .prefetch import Prefetcher
from .score_reassembly import ScoreAssembler
from .session import Session, window_of
from .transport import Transport

MAX_IN_FLIGHT = 3
"""Frames that are on their way, computed and waited for at a time."""
MAX_FRAME_ATTEMPTS = 3
"""Times a frame is sent before its result is given up."""
MAX_UNANSWERED_POLLS = 5
"""Questions without an answer after which a new session begins; the time between them doubles."""
POLL_INTERVAL = 0.002
"""Seconds that packets are waited for at a time while a frame is waited for, too."""
POLLS_PER_FRAME = 8
"""Times in a frame's time that a device which computes is asked whether a result was lost, at least."""
STALL_FRAMES = 64
"""Frame times without progress after which a new session begins."""


@dataclass(eq=False)
class InFlightFrame:
    """A frame on its way."""

    index: int
    data: bytes
    start: float
    attempts: int = 1


class LinkedDevice(Device):
    """A device that speaks the protocol of docs/protocol.md.

    Frames go out as the device has room for them. What is lost is sent again; where that does not help, a new session begins, and the
    frames without a result are sent again in it; and a frame that fails so several times has a result without scores.

    Parameters
    ----------
    model: what the device must run
    transport: carries the bytes; closed with the device

    Raises FirebrickError where nothing answers, and where the device runs another model.
    """

    def __init__(self, model: Model, transport: Transport) -> None:
        self.model = model
        self._transport: Transport | None = transport
        try:
            self._channel = Session(transport)
            self.descriptor = self._channel.identify()
            """What the device says of itself."""
            require_model(transport.address, self.descriptor, model)
            self._clean = False
            """Whether nothing of an earlier stream is on its way."""
            self._start()
        except BaseException:
            transport.close()
            raise
        self._before = self._channel.counters() or {}
        self._streaming = False
        self._frames = self._repeated = self._restarts = self._invalid = 0

    def stream(self, frames: Iterable[NDArray[np.uint8]]) -> Generator[FrameResult, None, None]:
        """See ``Device``; one stream at a time."""
        if self._streaming:
            raise FirebrickError("the device is in the middle of other frames; ask for all their results first, or open it anew")
        self._now()
        self._streaming = True
        flights: deque[InFlightFrame] = deque()
        source, count = Prefetcher(frames), 0
        try:
            if not self._clean:
                self._start()
            self._clean = False
            while True:
                while not source.exhausted and not self._window.has_unsent and len(flights) < MAX_IN_FLIGHT:
                    frame = source.take(wait=not flights)
                    if frame is None:
                        break
                    flights.append(InFlightFrame(count, self._bytes(frame), time.perf_counter()))
                    count += 1
                    self._window.add(_payloads(flights[-1].data))
                    self._progressed()
                if not flights:
                    self._clean = True
                    return
                yield from self._step(flights, glance=source.pending)
        finally:
            source.close()
            self._streaming = False

    def counters(self) -> dict[str, int]:
        """See ``Device``: those of the device (``packets.COUNTERS``), and of the host.

        ``bytes_sent`` and ``bytes_received`` over the wire, packets ``repeated``, sessions begun anew (``restarts``), and results given
        up (``invalid``). A device that does not answer has those of the host alone.
        """
        self._now()
        device = self._channel.counters() or self._before
        return {
            "frames": self._frames,
            **{name: value - self._before.get(name, 0) for name, value in device.items()},
            "bytes_sent": self._channel.bytes_sent,
            "bytes_received": self._channel.bytes_received,
            "repeated": self._repeated + self._window.retransmissions,
            "restarts": self._restarts,
            "invalid": self._invalid,
        }

    def close(self) -> None:
        """See ``Device``."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _now(self) -> float:
        if self._transport is None:
            raise FirebrickError("the device is closed; open it anew")
        return self._transport.now()

    def _bytes(self, frame: NDArray[np.uint8]) -> bytes:
        """A frame as it is sent: row by row, in a row pixel by pixel, in a pixel channel by channel."""
        check_frame(frame, self.model.network.input)
        return frame.transpose(1, 2, 0).tobytes()

    def _start(self) -> None:
        """Begin a session in which nothing has been sent."""
        self._channel.open(self.descriptor)
        self._window = SendWindow(self.descriptor.window)
        self._collector = ScoreAssembler(self.descriptor.classes, self.descriptor.score_bytes)
        self._wanted = self._unanswered = 0
        self._waiting_since = self._now()
        self._progressed()
        self._clean = True

    def _progressed(self) -> None:
        """Frames go out or results come in."""
        self._progress, self._asked = self._now(), 0

    def _patience(self) -> float:
        """Seconds of silence before a question: more and more where there is no answer, or nothing new as the device computes.

        Full, the device's buffer is silent for as long as the engines take to empty it.
        """
        timeout, frame = self._channel.timeout, self.descriptor.cycles / self.descriptor.clock
        emptying = timeout + frame * min(1 / POLLS_PER_FRAME, self.descriptor.window / self.descriptor.frame_bytes)
        return max(timeout * (1 << self._unanswered), min(timeout * (1 << self._asked), frame / POLLS_PER_FRAME), emptying)

    def _step(self, flights: deque[InFlightFrame], *, glance: bool) -> Iterator[FrameResult]:
        """Send what the window allows, wait for one packet (at most ``POLL_INTERVAL`` s with ``glance``), and handle it or its absence."""
        for number, payload in self._window.sendable():
            self._channel.send(PacketKind.DATA, number, payload)
            self._waiting_since = self._now()
        patience = self._waiting_since + self._patience() - self._now()
        packet = self._channel.receive(min(patience, POLL_INTERVAL) if glance else patience)
        if packet is None and glance and patience > POLL_INTERVAL:
            return
        stuck = STALL_FRAMES * (self.descriptor.cycles / self.descriptor.clock + self._channel.timeout)
        if self._unanswered >= MAX_UNANSWERED_POLLS or self._now() - self._progress > stuck:
            yield from self._restart(flights)
        elif packet is None:
            self._unanswered += 1
            self._asked += 1
            self._channel.send(PacketKind.POLL, self._wanted)
        elif packet.kind == PacketKind.SCORES:
            yield from self._take_scores(packet, flights)
        elif packet.kind in (PacketKind.STATUS, PacketKind.NAK):
            self._take_status(packet)
        self._waiting_since = self._now()  # however long the results were looked at

    def _take_status(self, packet: Packet) -> None:
        room = window_of(packet)
        taken = None if room is None else self._window.acknowledge(packet.sequence, room)
        if taken is None:
            return
        if taken:
            self._progressed()
        if packet.kind == PacketKind.NAK or (self._unanswered and not taken):  # an answer: what was sent before has not come
            self._window.go_back()
        self._unanswered = 0

    def _take_scores(self, packet: Packet, flights: deque[InFlightFrame]) -> Iterator[FrameResult]:
        if packet.sequence != self._wanted % (1 << 16) or not flights:
            return
        self._unanswered = 0
        scores = self._collector.add(packet.payload)
        if scores is None:
            return
        self._collector = ScoreAssembler(self.descriptor.classes, self.descriptor.score_bytes)
        self._wanted += 1
        self._frames += 1
        self._progressed()
        self._channel.send(PacketKind.POLL, self._wanted)
        flight = flights.popleft()
        yield FrameResult(flight.index, scores, time.perf_counter() - flight.start)

    def _restart(self, flights: deque[InFlightFrame]) -> Iterator[FrameResult]:
        """Send all frames on their way again in a new session, but give one up that has failed too often."""
        self._restarts += 1
        self._repeated += self._window.retransmissions
        lost = flights.popleft() if flights[0].attempts == MAX_FRAME_ATTEMPTS else None
        self._start()
        self._clean = False
        for flight in flights:
            self._window.add(_payloads(flight.data))
        if lost is None:
            flights[0].attempts += 1
        else:
            self._invalid += 1
            yield FrameResult(lost.index, None, time.perf_counter() - lost.start)


def _payloads(data: bytes) -> Iterator[bytes]:
    """A frame's bytes in packets."""
    return (data[place : place + MAX_PAYLOAD] for place in range(0, len(data), MAX_PAYLOAD))


def require_model(address: str, identity: DeviceDescriptor, model: Model) -> None:
    """Raise FirebrickError unless a device runs the model."""
    shape = model.network.input
    expected = (model.network.name, shape.channels, shape.height, shape.width, model.network.classes)
    found = (identity.network, identity.channels, identity.rows, identity.columns, identity.classes)
    if found[1:] != expected[1:] or identity.checksum != model_checksum(model):
        raise FirebrickError(
            f"device {address}: it runs {_described(*found)} from model {identity.checksum.hex()[:8]}, and the host has "
            f"{_described(*expected)} from model {model_checksum(model).hex()[:8]}; "
            "name the model of the bitstream, or make the bitstream of this one"
        )


def _described(name: str, channels: int, rows: int, columns: int, classes: int) -> str:
    return f"{name} ({channels} x {rows} x {columns}, {classes} classes)"
