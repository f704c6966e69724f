# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a stream from the first frame to its summary, and handles interrupts."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

from ..driver.device import Device
from .frame_reader import FrameReader
from .inference import run_inference
from .rate_meter import RateMeter
from .sinks import PredictionSink

SIGNAL_STATUS = 128
"""A command's exit status after a signal is this plus the signal's number, as in shells."""


@dataclass(frozen=True)
class StreamSummary:
    """What happened in a stream; the fields are keys of its JSON document."""

    frames: int
    """Frames that the device answered."""
    invalid: int
    """Number of these that were damaged on the link."""
    dropped: int
    """Frames of a live source that were not sent because newer ones had arrived."""
    damaged: int
    """Frames that were not sent because they could not be read."""
    problem: str
    """Why the last of these could not be read."""
    seconds: float
    counters: dict[str, int]
    """The device's counters."""

    def as_dict(self) -> dict[str, Any]:
        """The summary as a JSON-serialisable dictionary."""
        return asdict(self)

    def __str__(self) -> str:
        rate = self.frames / max(1e-9, self.seconds)
        parts = [f"{self.frames:,} frames in {self.seconds:.1f} s, {rate:.1f} frames/s"]
        parts += [f"{self.invalid:,} damaged on the link"] * (self.invalid > 0)
        parts += [f"{self.dropped:,} dropped because the source was faster"] * (self.dropped > 0)
        parts += [f"{self.damaged:,} could not be read (the last: {self.problem})"] * (self.damaged > 0)
        return "; ".join(parts)


def run_stream(device: Device, reader: FrameReader, sinks: Sequence[PredictionSink], meter: RateMeter) -> StreamSummary:
    """Run inference on every frame and pass the predictions to the sinks, which are closed however the stream ends."""
    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
        for prediction in run_inference(device, reader):
            meter.count(prediction.latency, prediction.top5 is not None)
            for sink in sinks:
                sink.show(prediction)
    source = reader.source
    return StreamSummary(
        meter.frames, meter.invalid, reader.dropped, source.damaged, source.problem, round(meter.seconds, 3), device.counters()
    )


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[list[int]]:
    """The first SIGINT or SIGTERM calls ``stop`` and is appended to the list; the second one acts as it would without this context."""
    received: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        restore()
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield received
    finally:
        restore()
