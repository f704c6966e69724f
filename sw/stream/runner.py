# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A whole stream: from the first frame to the summary, and how it is interrupted."""

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
"""Plus the signal's number: a command's status after it was interrupted, as shells have it."""


@dataclass(frozen=True)
class StreamSummary:
    """What a stream was."""

    frames: int
    """Answered by the device."""
    invalid: int
    """Of these, damaged on their way."""
    dropped: int
    """Not sent, as a live source was ahead."""
    damaged: int
    """Not sent, as they could not be read."""
    problem: str
    """Why the last of these could not be read."""
    seconds: float
    counters: dict[str, int]
    """The device's."""

    def as_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        rate = self.frames / max(1e-9, self.seconds)
        parts = [f"{self.frames:,} frames in {self.seconds:.1f} s, {rate:.1f} a second"]
        parts += [f"{self.invalid:,} damaged on their way"] * (self.invalid > 0)
        parts += [f"{self.dropped:,} dropped as the source was faster"] * (self.dropped > 0)
        parts += [f"{self.damaged:,} could not be read (the last: {self.problem})"] * (self.damaged > 0)
        return "; ".join(parts)


def run_stream(device: Device, feed: FrameReader, sinks: Sequence[PredictionSink], meter: RateMeter) -> StreamSummary:
    """Show every frame of a feed to the sinks, which are closed in good order however it ends."""
    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
        for sighting in run_inference(device, feed):
            meter.count(sighting.latency, sighting.top5 is not None)
            for sink in sinks:
                sink.show(sighting)
    source = feed.source
    return StreamSummary(
        meter.frames, meter.invalid, feed.dropped, source.damaged, source.problem, round(meter.seconds, 3), device.counters()
    )


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[list[int]]:
    """The first SIGINT or SIGTERM calls ``stop`` and is noted in the list; the next one is an interrupt as ever."""
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        noted.append(number)
        restore()
        stop()

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    try:
        yield noted
    finally:
        restore()
