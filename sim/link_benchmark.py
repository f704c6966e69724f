# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the link costs, measured on the virtual board."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..sw.driver.linked_device import LinkedDevice
from ..sw.driver.session import Session
from ..sw.driver.transport import Transport
from ..sw.errors import FirebrickError
from ..sw.link.packets import MAX_PAYLOAD, Packet, PacketKind
from ..sw.model.quantized import Model
from ..sw.utils.progress import Progress
from .fault_injection import FAULTS, FaultyTransport
from .virtual_board import VirtualBoard

WARM_UP_FRAMES = 2
"""Frames before those that are measured."""


@dataclass(frozen=True)
class TransportModel:
    """A kind of cable: nominal figures, not measured."""

    name: str
    bytes_per_second: float
    """Of packets."""
    duplex: bool
    """Both ways at once."""
    round_trip: float
    """Seconds that a host's controller and system add to a packet and its answer."""


TRANSPORTS = (
    TransportModel("UART, 3 Mbaud", 3e6 / 10, True, 1e-3),  # a start bit and a stop bit; adapters poll every millisecond
    TransportModel("USB full speed", 19 * 64 * 1e3, False, 1e-3),  # 19 bulk packets of 64 bytes in a frame of 1 ms (USB 2.0, table 5-9)
    TransportModel("USB high speed", 13 * 512 * 8e3, False, 125e-6),  # 13 of 512 bytes in a microframe (table 5-10)
)


class TimedTransport(Transport):
    """Another transport, and the processor's seconds that it takes."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.address, self.latency, self.byte_seconds = inner.address, inner.latency, inner.byte_seconds
        self.seconds = 0.0

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        start = time.thread_time()
        self._inner.write(data)
        self.seconds += time.thread_time() - start

    def read(self, seconds: float) -> bytes:
        """See ``Transport``."""
        start = time.thread_time()
        data = self._inner.read(seconds)
        self.seconds += time.thread_time() - start
        return data

    def now(self) -> float:
        """See ``Transport``."""
        return self._inner.now()

    def close(self) -> None:
        """See ``Transport``."""
        self._inner.close()


def measure_link(model: Model, lanes: int, frames: int, progress: Progress) -> dict[str, Any]:
    """Measure with random frames, so many, on a line as fast as the board; a JSON document.

    ``wire``: bytes per frame, both ways, and their overhead over pixels and scores. ``carriers``: the frame rate that each allows, from
    its nominal rate and the bytes, or from what may be unacknowledged in a round trip. ``cycles``: of a frame in a stream of them, of a
    frame alone until its result, and of a question and its answer. ``recovery``: by fault, the cycles that the result of a frame alone
    comes later when its first or its last packet has that fault, whichever is worse. ``host_ms``: of the host's processor per frame.
    """
    rng, shape = np.random.default_rng(0), model.network.input
    pictures = rng.integers(0, 256, (WARM_UP_FRAMES + frames, shape.channels, shape.height, shape.width), dtype=np.uint8)
    measured = _streaming(model, lanes, pictures, progress)
    report = {"network": model.network.name, "frames": frames, "lanes": lanes, **measured}
    last = -(-pictures[0].size // MAX_PAYLOAD) - 1
    [sound] = _alone(model, lanes, pictures[0], FAULTS[0], [None])
    report["recovery"] = {}
    for number, fault in enumerate(FAULTS):
        progress("recovering", number, len(FAULTS))
        report["recovery"][fault] = max(_alone(model, lanes, pictures[0], fault, [0, last])) - sound
    progress("recovering", len(FAULTS), len(FAULTS))
    return report


def _streaming(model: Model, lanes: int, pictures: NDArray[np.uint8], progress: Progress) -> dict[str, Any]:
    """All figures of a line without faults."""
    board = VirtualBoard(model, lanes=lanes, progress=progress)
    watched = TimedTransport(board)
    with LinkedDevice(model, watched) as device:
        identity, clock = device.descriptor, board.clock
        start = board.cycle
        list(device.stream(pictures[:1]))
        alone = board.cycle - start
        before = device.counters()
        ends = [board.cycle]
        cpu = time.thread_time() - watched.seconds
        for result in device.stream(pictures):
            ends.append(board.cycle)
            progress("streaming", result.frame + 1, len(pictures))
        cpu = time.thread_time() - watched.seconds - cpu
        after = device.counters()
        question = board.cycle
        Session(watched).request(PacketKind.IDENTIFY, PacketKind.IDENTITY)
        question = board.cycle - question
    count = len(pictures)
    asking = len(Packet(PacketKind.COUNT, 1, 0).encode()), len(Packet(PacketKind.COUNTERS, 1, 0, bytes(56)).encode())
    sent = (after["bytes_sent"] - before["bytes_sent"] - asking[0]) / count
    received = (after["bytes_received"] - before["bytes_received"] - asking[1]) / count
    useful = identity.frame_bytes + identity.classes * identity.score_bytes
    per_frame = (ends[-1] - ends[WARM_UP_FRAMES]) / (count - WARM_UP_FRAMES)
    engine = clock / per_frame
    return {
        "clock": clock,
        "wire": {
            "frame_bytes": identity.frame_bytes,
            "score_bytes": identity.classes * identity.score_bytes,
            "sent": round(sent, 1),
            "received": round(received, 1),
            "overhead_percent": round(100 * ((sent + received) / useful - 1), 3),
        },
        "cycles": {"planned": identity.cycles, "frame": round(per_frame), "frame_alone": alone, "question": question},
        "engine_fps": round(engine, 2),
        "carriers": [_carried(carrier, sent, received, identity.window, engine) for carrier in TRANSPORTS],
        "host_ms": round(1000 * cpu / count, 3),
    }


def _carried(carrier: TransportModel, sent: float, received: float, room: int, engine: float) -> dict[str, Any]:
    """What a carrier allows."""
    busiest = max(sent, received) if carrier.duplex else sent + received
    wire = carrier.bytes_per_second / busiest
    window = room / (carrier.round_trip + MAX_PAYLOAD / carrier.bytes_per_second) / sent
    fps = min(wire, window, engine)
    limit = {wire: "bytes on the wire", window: "round trips", engine: "engine"}[fps]
    return {"name": carrier.name, "bytes_per_second": round(carrier.bytes_per_second), "fps": round(fps, 2), "limit": limit}


def _alone(model: Model, lanes: int, picture: NDArray[np.uint8], fault: str, places: Sequence[int | None]) -> list[int]:
    """Cycles until the result of a frame alone, for each packet of it that has a fault, or None."""
    board = VirtualBoard(model, lanes=lanes)
    cable = FaultyTransport(board, np.random.default_rng(0), 0.0, [fault])
    cycles = []
    with LinkedDevice(model, cable) as device:
        for cable.fault_at in places:
            start = board.cycle
            [result] = device.stream(picture[np.newaxis])
            if result.scores is None:
                raise FirebrickError(f"a frame was lost by one {fault}; that is a fault of the link")
            cycles.append(board.cycle - start)
    return cycles
