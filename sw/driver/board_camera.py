# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The camera of a board, seen over the link: labels, counters, and pictures as the network saw them."""

import logging
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..link.packets import (
    CAMERA_COUNTERS,
    CAMERA_FIELDS,
    CAMERA_FOUND,
    DISPLAY_PRESENT,
    MAX_REPLY_PAYLOAD,
    SESSION_PACKETS,
    PacketKind,
)
from ..model.quantized import Model
from .linked_device import require_model
from .picture_reassembly import PictureAssembler
from .score_reassembly import ScoreAssembler
from .session import PROBE_ATTEMPTS, Session
from .transport import Transport

logger = logging.getLogger(__name__)

FASTEST_BYTES = 18_000_000
"""Bytes a second that a camera at its own pace gives within a row: three of each pixel of QVGA, at 24 MHz."""
PACES = (1, 3, 7, 15, 31, 63)
"""Prescalers, less 1, that are tried for pictures; with each the camera is half as fast as with the one before."""
MARGIN = 8
"""Times that a line may be too slow for those bytes where a pace is tried: rows are short where the picture is scaled down."""
FRAME_TIMEOUT = 10.0
"""Seconds, without those of transfers, after which a camera that gives no frame is given up."""
REPEAT_SECONDS = 1.0
"""Longest time between two requests for the same frame; a device takes longer silence for a host that has gone."""


@dataclass(frozen=True)
class CameraReport:
    """What a board's camera has done since power-up."""

    found: bool
    """The camera answers."""
    display: bool
    """The board has a display."""
    pace: int
    """The prescaler of its clock, less 1, that a host asks for; 0 is the camera's own pace."""
    taken: int
    """Frames that went into the network whole."""
    dropped: int
    """Frames that came while the network was busy."""
    torn: int
    """Frames that broke off; their scores are never shown."""
    lost: int
    """Pictures that the line was too slow for."""

    def as_dict(self) -> dict[str, int | bool]:
        """JSON-serialisable form."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Capture:
    """One frame of the camera."""

    scores: NDArray[np.int64]
    """The scores that the board computed, in the order of the classes."""
    picture: NDArray[np.uint8] | None
    """The network's input, shape (channels, rows, columns); None where only scores were asked for, or the line was too slow."""
    seconds: float
    """Time from the request to the scores."""


class BoardCamera:
    """A board's camera on any transport; a context manager that closes it.

    Parameters
    ----------
    model: the model that the board must run
    transport: carries the bytes; closed with the camera

    Raises FirebrickError where nothing answers, for a board that runs another model, and for one without a camera.
    """

    def __init__(self, model: Model, transport: Transport) -> None:
        self.model = model
        self._transport = transport
        self._session = Session(transport)
        try:
            self.descriptor = self._session.identify()
            """The descriptor that the device reports."""
            require_model(transport.address, self.descriptor, model)
            if self._ask_report(PROBE_ATTEMPTS) is None:
                raise FirebrickError(
                    f"device {transport.address}: its bitstream has no camera; build one with `firebrick bitstream --camera ov7670`"
                )
            self._open()
        except BaseException:
            transport.close()
            raise

    def report(self) -> CameraReport:
        """Flags and counters of the camera. Raises FirebrickError where the device is lost."""
        report = self._ask_report()
        if report is None:
            raise self._lost()
        return report

    def capture(self) -> Capture:
        """The scores of the next frame. Raises FirebrickError where the camera gives none, and where the device is lost."""
        return self._capture(FRAME_TIMEOUT)

    def take_picture(self) -> Capture:
        """The next frame with its picture: the camera is slowed down until the line can follow, and then runs at its own pace again.

        Raises FirebrickError as ``capture`` does, and where the line cannot follow the slowest pace.
        """
        try:
            for pace in self._paces():
                self._set_pace(pace)
                taken = self._capture(FRAME_TIMEOUT * (pace + 1) / 4 + FRAME_TIMEOUT)
                if taken.picture is not None:
                    return taken
                logger.info("pace %d: the line was too slow, or lost a packet", pace)
        finally:
            self._set_pace(0)
        raise FirebrickError(
            f"device {self._transport.address}: the line is too slow for a picture of the camera even at its slowest pace; "
            "use USB, or a serial port that reaches 3,000,000 bits per second"
        )

    def close(self) -> None:
        """Release the board, whose camera goes on; a second call does nothing."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open(self) -> None:
        self._session.open(self.descriptor)
        self._next_result = 0
        self._pace = 0

    def _lost(self) -> FirebrickError:
        return FirebrickError(f"device {self._transport.address}: it was lost; check its cable and its power, and start again")

    def _ask_report(self, attempts: int = 6) -> CameraReport | None:
        packet = self._session.request(PacketKind.CAMERA, PacketKind.CAMERA_REPORT, attempts=attempts)
        if packet is None or len(packet.payload) != CAMERA_FIELDS.size:
            return None
        flags, pace, *counters = CAMERA_FIELDS.unpack(packet.payload)
        named = dict(zip(CAMERA_COUNTERS, counters, strict=True))
        return CameraReport(bool(flags & CAMERA_FOUND), bool(flags & DISPLAY_PRESENT), pace, **named)

    def _paces(self) -> list[int]:
        """The paces to try: from the one at which the line can follow a row."""
        line = MAX_REPLY_PAYLOAD / (MAX_REPLY_PAYLOAD + 11) / self._transport.byte_seconds
        return [pace for pace in PACES if FASTEST_BYTES / (pace + 1) <= MARGIN * line] or [PACES[-1]]

    def _set_pace(self, pace: int) -> None:
        """Slow the camera down; captures wait until it runs at the new pace."""
        if pace == self._pace:
            return
        if self._session.request(PacketKind.PACE, PacketKind.STATUS, PacketKind.NAK, sequence=pace) is None:
            raise self._lost()
        self._pace = pace

    def _capture(self, timeout: float) -> Capture:
        if self._next_result == SESSION_PACKETS:
            self._open()
        descriptor = self.descriptor
        scores = ScoreAssembler(descriptor.classes, descriptor.score_bytes, descriptor.score_signed)
        picture = PictureAssembler(descriptor.frame_bytes)
        start = self._transport.now()
        progress, unanswered, interval = start, 0, self._session.timeout
        self._session.send(PacketKind.CAPTURE, self._next_result)
        while True:
            packet = self._session.receive(interval)
            now = self._transport.now()
            if packet is None:
                unanswered += 1
                if unanswered > 6:
                    raise self._lost()
                if now - progress > timeout:
                    raise self._no_frame(now - progress)
                interval = min(2 * interval, max(REPEAT_SECONDS, self._session.timeout))
                self._session.send(PacketKind.CAPTURE, self._next_result)
                continue
            unanswered = 0
            if packet.kind == PacketKind.PICTURE:
                picture.add(packet.sequence, packet.payload)
                progress = now
            elif packet.kind == PacketKind.SCORES and packet.sequence == self._next_result:
                progress = now
                complete = scores.add(packet.payload)
                if complete is not None:
                    return self._finish(complete, picture, now - start)

    def _finish(self, scores: NDArray[np.int64], picture: PictureAssembler, seconds: float) -> Capture:
        """Acknowledge a result, and put the capture together."""
        self._next_result += 1
        self._session.send(PacketKind.POLL, self._next_result)
        data, shape = picture.picture if self._pace else None, self.descriptor
        if data is None:
            return Capture(scores, None, seconds)
        pixels = np.frombuffer(data, np.uint8).reshape(shape.rows, shape.columns, shape.channels)
        return Capture(scores, np.ascontiguousarray(pixels.transpose(2, 0, 1)), seconds)

    def _no_frame(self, seconds: float) -> FirebrickError:
        """Why no frame comes, by the camera's report."""
        report = self.report()
        address = self._transport.address
        self._open()  # which takes the request back
        if not report.found:
            return FirebrickError(f"device {address}: its camera does not answer; check its wires and its power (docs/camera.md)")
        return FirebrickError(f"device {address}: its camera has given no whole frame for {seconds:.0f} seconds; check its wires")
