# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A device behind the link, on any transport."""

import logging
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..link.carriers import MAX_IN_FLIGHT
from ..link.identity import DeviceDescriptor, model_checksum
from ..link.packets import MAX_PAYLOAD, Packet, PacketKind
from ..model.frames import check_frame
from ..model.quantized import Model
from .device import CLOSED, Device, FrameResult
from .go_back_n import SendWindow
from .prefetch import Prefetcher
from .score_reassembly import ScoreAssembler
from .session import Session, window_of
from .transport import Transport

logger = logging.getLogger(__name__)

MAX_FRAME_ATTEMPTS = 3
"""Times that a frame is sent before its result is given up."""
MAX_UNANSWERED_POLLS = 5
"""Polls without an answer after which a new session begins; the time between them doubles."""
POLL_INTERVAL = 0.002
"""Seconds to wait for a packet before the source of frames is asked again whether it has the next one."""
POLLS_PER_FRAME = 8
"""Minimum polls for a lost result in the time of one frame: a lost result is late by at most that fraction of a frame's time."""
STALL_FRAMES = 64
"""Stall timeout, in times that the device needs for a frame and for an answer: after it without progress a new session begins. It is far
longer than the engines of any network of the family keep a frame."""
MAX_STALLS = 8
"""Stall timeouts without any result after which a device that still answers is given up."""


@dataclass(eq=False)
class InFlightFrame:
    """A frame that was handed to the link and has no result yet."""

    index: int
    data: bytes
    start: float
    attempts: int = 1


class LinkedDevice(Device):
    """A device that speaks the protocol of docs/protocol.md.

    Frames are sent as the window allows. Lost packets are retransmitted. Where that does not help, a new session begins, in which the
    frames without a result are sent again. A frame that fails ``MAX_FRAME_ATTEMPTS`` times gets a result without scores. A device that
    answers and yet gives no result for ``MAX_STALLS`` stall timeouts is given up. A session whose sequence numbers do not suffice for the
    next frame is replaced by a new one as soon as all its results have arrived.

    Parameters
    ----------
    model: the model that the device must run
    transport: carries the bytes; closed with the device

    Raises FirebrickError where nothing answers, and where the device runs another model.
    """

    def __init__(self, model: Model, transport: Transport) -> None:
        self.model = model
        self._transport: Transport | None = transport
        self._address = transport.address
        try:
            self._session = Session(transport)
            self.descriptor = self._session.identify()
            """The descriptor that the device reports."""
            require_model(transport.address, self.descriptor, model)
            self._window = SendWindow(0)
            self._retransmissions = self._restarts = self._frames = self._invalid = 0
            self._start_session()
        except BaseException:
            transport.close()
            raise
        self._initial_counters = self._session.counters() or {}
        self._streaming = False
        self._idle = True  # whether no packet of an earlier stream can still arrive

    def stream(self, frames: Iterable[NDArray[np.uint8]]) -> Generator[FrameResult, None, None]:
        """See ``Device``; one stream at a time."""
        if self._streaming:
            raise FirebrickError("the device is in the middle of other frames; ask for all their results first, or open it again")
        self._now()
        self._streaming = True
        self._stalls = 0.0  # stall timeouts since the last result
        in_flight: deque[InFlightFrame] = deque()
        source, count = Prefetcher(frames), 0
        try:
            if not self._idle:
                self._start_session()
            self._idle = False
            while True:
                while not source.exhausted and not self._window.has_unsent and len(in_flight) < MAX_IN_FLIGHT:
                    if self._window.remaining < self._packets_per_frame:
                        if in_flight:
                            break
                        self._start_session()
                    frame = source.take(wait=not in_flight)
                    if frame is None:
                        break
                    check_frame(frame, self.model.network.input, self.model.preprocessing)
                    in_flight.append(InFlightFrame(count, _wire_order(frame), time.perf_counter()))
                    count += 1
                    self._window.add(_payloads(in_flight[-1].data))
                    self._note_progress()
                if not in_flight:
                    self._idle = True
                    return
                yield from self._step(in_flight, source_pending=source.pending)
        finally:
            source.close()
            self._streaming = False

    def counters(self) -> dict[str, int]:
        """See ``Device``: the counters of the device (``packets.COUNTER_NAMES``) and of the host.

        Those of the host are ``bytes_sent`` and ``bytes_received`` on the wire, packets ``repeated`` (retransmitted), new sessions after
        a failure (``restarts``), and results given up (``invalid``). A device that does not answer contributes no counters.
        """
        self._now()
        device = self._session.counters() or self._initial_counters
        return {
            "frames": self._frames,
            **{name: value - self._initial_counters.get(name, 0) for name, value in device.items()},
            "bytes_sent": self._session.bytes_sent,
            "bytes_received": self._session.bytes_received,
            "repeated": self._retransmissions + self._window.retransmissions,
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
            raise FirebrickError(CLOSED)
        return self._transport.now()

    def _start_session(self) -> None:
        """Begin a session in which nothing has been sent."""
        self._session.open(self.descriptor)
        self._retransmissions += self._window.retransmissions
        self._window = SendWindow(self.descriptor.window)
        self._assembler = self._empty_result()
        self._next_result = self._unanswered = 0
        self._silent_since = self._now()
        self._note_progress()

    def _note_progress(self) -> None:
        """Restart the stall timeout: a frame is being sent, or results arrive."""
        self._last_progress, self._polls = self._now(), 0

    @property
    def _packets_per_frame(self) -> int:
        return -(-self.descriptor.frame_bytes // MAX_PAYLOAD)

    def _frame_seconds(self) -> float:
        return self.descriptor.cycles / self.descriptor.clock

    def _poll_timeout(self) -> float:
        """Seconds of silence before a poll, the longest of three.

        - The timeout of an answer, doubled with each poll that got none: the line may be bad.
        - The same, doubled with each poll that brought no progress, up to 1/``POLLS_PER_FRAME`` of a frame: the device computes.
        - The time in which the engines empty a full buffer, during which the device has nothing to report.
        """
        timeout, frame = self._session.timeout, self._frame_seconds()
        emptying = timeout + frame * min(1 / POLLS_PER_FRAME, self.descriptor.window / self.descriptor.frame_bytes)
        return max(timeout * (1 << self._unanswered), min(timeout * (1 << self._polls), frame / POLLS_PER_FRAME), emptying)

    def _step(self, in_flight: deque[InFlightFrame], *, source_pending: bool) -> Iterator[FrameResult]:
        """Send what the window allows, wait for one packet, and handle it or its absence.

        While the next frame is pending at the source, it waits for ``POLL_INTERVAL`` only.
        """
        self._now()  # raises where the device was closed meanwhile
        for sequence, payload in self._window.sendable():
            self._session.send(PacketKind.DATA, sequence, payload)
            self._silent_since = self._now()
        timeout = self._silent_since + self._poll_timeout() - self._now()
        packet = self._session.receive(min(timeout, POLL_INTERVAL) if source_pending else timeout)
        if packet is None and source_pending and timeout > POLL_INTERVAL:
            return
        stall_timeout = STALL_FRAMES * (self._frame_seconds() + self._session.timeout)
        without_progress = self._now() - self._last_progress
        if self._unanswered >= MAX_UNANSWERED_POLLS or without_progress > stall_timeout:
            self._stalls += min(1.0, without_progress / stall_timeout)
            if self._stalls >= MAX_STALLS:
                raise FirebrickError(
                    f"device {self._address}: it answers, but has given no scores for {MAX_STALLS * stall_timeout:.3g} seconds; "
                    "switch it off and on, and if that does not help, write its bitstream again"
                )
            yield from self._restart(in_flight)
        elif packet is None:
            self._unanswered += 1
            self._polls += 1
            self._session.send(PacketKind.POLL, self._next_result)
        elif packet.kind == PacketKind.SCORES:
            yield from self._take_scores(packet, in_flight)
        elif packet.kind in (PacketKind.STATUS, PacketKind.NAK):
            self._take_status(packet)
        self._silent_since = self._now()

    def _take_status(self, packet: Packet) -> None:
        """Handle a cumulative ACK, and retransmit after a NAK or where the answer to a poll shows that packets were lost."""
        free_space = window_of(packet)
        acknowledged = None if free_space is None else self._window.acknowledge(packet.sequence, free_space)
        if acknowledged is None:
            return
        if acknowledged:
            self._note_progress()
        if packet.kind == PacketKind.NAK or (self._unanswered and not acknowledged):
            reason = "NAK" if packet.kind == PacketKind.NAK else "no acknowledgement"
            if self._window.has_unacknowledged:
                logger.info("%s: retransmitting from packet %d", reason, packet.sequence)
            self._window.go_back()
        self._unanswered = 0

    def _take_scores(self, packet: Packet, in_flight: deque[InFlightFrame]) -> Iterator[FrameResult]:
        """Handle a part of the next result; a complete one is acknowledged, which asks for the one after it."""
        if packet.sequence != self._next_result or not in_flight:
            return
        self._unanswered = 0
        scores = self._assembler.add(packet.payload)
        if scores is None:
            return
        self._assembler = self._empty_result()
        self._next_result += 1
        self._frames += 1
        self._stalls = 0.0
        self._session.send(PacketKind.POLL, self._next_result)
        frame = in_flight.popleft()
        yield FrameResult(frame.index, scores, time.perf_counter() - frame.start)
        self._note_progress()  # the caller may look at a result for any time

    def _empty_result(self) -> ScoreAssembler:
        descriptor = self.descriptor
        return ScoreAssembler(descriptor.classes, descriptor.score_bytes, descriptor.score_signed)

    def _restart(self, in_flight: deque[InFlightFrame]) -> Iterator[FrameResult]:
        """Send all frames without a result again in a new session; the oldest is given up where it has failed too often."""
        self._restarts += 1
        lost = in_flight.popleft() if in_flight[0].attempts == MAX_FRAME_ATTEMPTS else None
        logger.info("no progress: beginning a new session and sending %d frames again", len(in_flight))
        self._start_session()
        for frame in in_flight:
            self._window.add(_payloads(frame.data))
        if lost is None:
            in_flight[0].attempts += 1
        else:
            logger.info("frame %d: given up after %d attempts", lost.index, lost.attempts)
            self._invalid += 1
            yield FrameResult(lost.index, None, time.perf_counter() - lost.start)
            self._note_progress()


def _wire_order(frame: NDArray[np.uint8]) -> bytes:
    """A frame's bytes as they are sent: row by row, in a row pixel by pixel, in a pixel channel by channel."""
    return frame.transpose(1, 2, 0).tobytes()


def _payloads(data: bytes) -> Iterator[bytes]:
    """A frame's bytes, cut for DATA packets."""
    return (data[offset : offset + MAX_PAYLOAD] for offset in range(0, len(data), MAX_PAYLOAD))


def require_model(address: str, descriptor: DeviceDescriptor, model: Model) -> None:
    """Raise FirebrickError unless a device runs the model."""
    shape = model.network.input
    expected = (model.network.name, shape.channels, shape.height, shape.width, model.network.classes)
    reported = (descriptor.network, descriptor.channels, descriptor.rows, descriptor.columns, descriptor.classes)
    if reported[1:] != expected[1:] or descriptor.checksum != model_checksum(model):
        raise FirebrickError(
            f"device {address}: it runs {_network_text(*reported)} from model {descriptor.checksum.hex()[:8]}, and the host has "
            f"{_network_text(*expected)} from model {model_checksum(model).hex()[:8]}; "
            "name the model of the bitstream, or build a bitstream of this one"
        )


def _network_text(name: str, channels: int, rows: int, columns: int, classes: int) -> str:
    return f"{name} ({channels} x {rows} x {columns}, {classes} classes)"
