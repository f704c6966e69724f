# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cost of the link, measured on the virtual board."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..sw.driver.linked_device import LinkedDevice
from ..sw.driver.session import Session
from ..sw.driver.transport import Transport
from ..sw.errors import FirebrickError
from ..sw.link.carriers import USB_FULL_SPEED, USB_HIGH_SPEED, Carrier, WireBytes, link_rate, uart
from ..sw.link.packets import COUNTER, COUNTER_NAMES, MAX_PAYLOAD, Packet, PacketKind
from ..sw.model.frames import with_border
from ..sw.model.quantized import Model
from ..sw.utils.progress import Progress
from .fault_injection import FAULTS, FaultyTransport
from .virtual_board import VirtualBoard

WARM_UP_FRAMES = 2
"""Frames before those that are measured: until then the pipeline is filling."""


TRANSPORTS = (uart(3_000_000), USB_FULL_SPEED, USB_HIGH_SPEED)


class TimedTransport(Transport):
    """Another transport, and the processor time that it takes."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.address, self.latency, self.byte_seconds = inner.address, inner.latency, inner.byte_seconds
        self.seconds = 0.0

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        start = time.thread_time()
        self._inner.write(data)
        self.seconds += time.thread_time() - start

    def read(self, timeout: float) -> bytes:
        """See ``Transport``."""
        start = time.thread_time()
        data = self._inner.read(timeout)
        self.seconds += time.thread_time() - start
        return data

    def now(self) -> float:
        """See ``Transport``."""
        return self._inner.now()

    def close(self) -> None:
        """See ``Transport``."""
        self._inner.close()


def measure_link(model: Model, lanes: int, frames: int, progress: Progress) -> dict[str, Any]:
    """Measure with random frames on a line that is as fast as the board; returns a JSON-serialisable report.

    - ``wire``: bytes per frame in both directions, and their overhead over pixels and scores.
    - ``carriers``: the frame rate that each transport allows, calculated from its nominal rate and the bytes, or from the window and the
      round-trip time.
    - ``cycles``: of a frame in a stream; of a single frame until its result; of a request and its answer.
    - ``recovery``: by fault, the latency in cycles that the fault adds to a single frame when its first or its last packet has it,
      whichever is worse.
    - ``host_ms``: processor time of the host per frame.

    Raises FirebrickError when a tool is missing, and when a frame is lost by a single fault.
    """
    rng, shape = np.random.default_rng(0), model.preprocessing.image_shape(model.network.input)
    images = rng.integers(0, 256, (WARM_UP_FRAMES + frames, shape.channels, shape.height, shape.width), dtype=np.uint8)
    images = with_border(images, model.preprocessing)
    streaming = _measure_streaming(model, lanes, images, progress)
    report = {"network": model.network.name, "frames": frames, "lanes": lanes, **streaming}
    last = -(-images[0].size // MAX_PAYLOAD) - 1
    [without_fault] = _measure_single(model, lanes, images[0], FAULTS[0], [None])
    report["recovery"] = {}
    for index, fault in enumerate(FAULTS):
        progress("recovering", index, len(FAULTS))
        report["recovery"][fault] = max(_measure_single(model, lanes, images[0], fault, [0, last])) - without_fault
    progress("recovering", len(FAULTS), len(FAULTS))
    return report


def _measure_streaming(model: Model, lanes: int, images: NDArray[np.uint8], progress: Progress) -> dict[str, Any]:
    """All figures without faults."""
    board = VirtualBoard(model, lanes=lanes, progress=progress)
    transport = TimedTransport(board)
    with LinkedDevice(model, transport) as device:
        descriptor, clock = device.descriptor, board.clock
        start = board.cycle
        list(device.stream(images[:1]))
        alone = board.cycle - start
        before = device.counters()
        ends = [board.cycle]
        processor_seconds = time.thread_time() - transport.seconds
        for result in device.stream(images):
            ends.append(board.cycle)
            progress("streaming", result.frame + 1, len(images))
        processor_seconds = time.thread_time() - transport.seconds - processor_seconds
        after = device.counters()
        start = board.cycle
        Session(transport).request(PacketKind.IDENTIFY, PacketKind.IDENTITY)
        request = board.cycle - start
    count = len(images)
    # Reading the counters also takes bytes.
    counters_request = len(Packet(PacketKind.COUNT, 1, 0).encode())
    counters_answer = len(Packet(PacketKind.COUNTERS, 1, 0, bytes(COUNTER.size * len(COUNTER_NAMES))).encode())
    sent = (after["bytes_sent"] - before["bytes_sent"] - counters_request) / count
    received = (after["bytes_received"] - before["bytes_received"] - counters_answer) / count
    useful = descriptor.frame_bytes + descriptor.classes * descriptor.score_bytes
    per_frame = (ends[-1] - ends[WARM_UP_FRAMES]) / (count - WARM_UP_FRAMES)
    engine_fps = clock / per_frame
    return {
        "clock": clock,
        "wire": {
            "frame_bytes": descriptor.frame_bytes,
            "score_bytes": descriptor.classes * descriptor.score_bytes,
            "sent": round(sent, 1),
            "received": round(received, 1),
            "overhead_percent": round(100 * ((sent + received) / useful - 1), 3),
        },
        "cycles": {"planned": descriptor.cycles, "frame": round(per_frame), "frame_alone": alone, "question": request},
        "engine_fps": round(engine_fps, 2),
        "carriers": [_frame_rate(carrier, WireBytes(sent, received), descriptor.window, engine_fps) for carrier in TRANSPORTS],
        "host_ms": round(1000 * processor_seconds / count, 3),
    }


def _frame_rate(carrier: Carrier, wire: WireBytes, window: int, engine_fps: float) -> dict[str, Any]:
    """The frame rate over a carrier: what it allows, or what the engines compute."""
    fps, limit = min(link_rate(carrier, wire, window), (engine_fps, "engine"))
    return {"name": carrier.name, "bytes_per_second": round(carrier.bytes_per_second), "fps": round(fps, 2), "limit": limit}


def _measure_single(model: Model, lanes: int, image: NDArray[np.uint8], fault: str, positions: Sequence[int | None]) -> list[int]:
    """Cycles until the result of a single frame, for a fault of the packet at each position of the frame, or for none."""
    board = VirtualBoard(model, lanes=lanes)
    transport = FaultyTransport(board, np.random.default_rng(0), 0.0, [fault])
    cycles = []
    with LinkedDevice(model, transport) as device:
        for transport.fault_at in positions:
            start = board.cycle
            [result] = device.stream(image[np.newaxis])
            if result.scores is None:
                raise FirebrickError(f"a frame was lost by one {fault}; that is a fault of the link")
            cycles.append(board.cycle - start)
    return cycles
