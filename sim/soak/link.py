# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A soak test of the link: hours of the device's clock, under every fault at once.

    python -m firebrick.sim.soak link --virtual-minutes 60

The Verilated device and the host driver are those of every other use. Only the device's clock is slow, a cycle per bit of its line, so that
an hour has few enough cycles to simulate. Each result is compared with the golden model's: it must be right, or marked as lost.
"""

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...hw.codegen.device_verilog import generate_device
from ...hw.codegen.verilog import Artefacts
from ...sw import golden
from ...sw.driver.linked_device import LinkedDevice
from ...sw.errors import FirebrickError
from ...sw.link.packets import DEFAULT_BAUD
from ...sw.model.frames import with_border
from ...sw.model.quantized import Model
from ...sw.utils.progress import Progress, no_progress
from ..build import SimulationTarget
from ..fault_injection import FaultyTransport
from ..virtual_board import VirtualBoard

CLOCK_HZ = DEFAULT_BAUD
"""Clock of the device: a cycle per bit at the default baud rate."""
BYTE_CYCLES = 10
"""Cycles of a byte: start bit, 8 data bits, stop bit."""
STREAM_FRAMES = 100
"""Frames of a stream; every third stream is abandoned half-way."""
DEVICE_STREAMS = 20
"""Streams after which the device is closed and opened by a new driver, as by another program."""
FAULT_RATE = 0.05
"""Fraction of the packets that have a fault."""
IMAGES = 256
"""Different frames."""
SAMPLES = 100
"""How often memory and file descriptors are looked at."""
WARM_UP = 0.2
"""Fraction of the time after which they must stay as they are."""
MEMORY_GROWTH = 4 << 20
"""Bytes by which the resident memory may grow after that: allocators keep freed pages."""


def generate_slow_device(model: Model, lanes: int) -> Artefacts:
    """As ``generate_device``, at ``CLOCK_HZ``."""
    return generate_device(model, lanes, clock=CLOCK_HZ)


SLOW_BOARD = SimulationTarget(generate_slow_device, "firebrick.sim.soak.link", "virtual_board.cpp")


@dataclass
class Usage:
    """What the process holds at one time."""

    minutes: float
    """Virtual minutes since the start."""
    memory: int
    """Resident memory in bytes."""
    files: int
    """Open file descriptors."""
    threads: int


@dataclass
class SoakResult:
    """What happened; JSON-serialisable by ``as_dict``."""

    frames: int = 0
    right: int = 0
    marked: int = 0
    """Results without scores: the frame was given up."""
    wrong: int = 0
    """Results with other scores than the golden model's, or out of order."""
    streams: int = 0
    abandoned: int = 0
    """Streams that the host left half-way."""
    drivers: int = 0
    """Times that the device was opened."""
    lost: int = 0
    """Times that the driver gave the device up and said so."""
    packets: int = 0
    """Packets in both directions."""
    faults: Counter[str] = field(default_factory=Counter)
    """Faults by kind."""
    counters: Counter[str] = field(default_factory=Counter)
    """Counters of device and host, summed up over the drivers."""
    virtual_seconds: float = 0.0
    seconds: float = 0.0
    usage: list[Usage] = field(default_factory=list)

    def growth(self, name: str) -> int:
        """What the process has gained from the warm-up to the end: medians of some samples, as single ones vary."""
        values = [getattr(usage, name) for usage in self.usage[int(WARM_UP * len(self.usage)) :]]
        few = max(1, len(values) // 5)
        return int(np.median(values[-few:]) - np.median(values[:few])) if values else 0

    def problems(self) -> list[str]:
        """What went wrong, a sentence each."""
        problems = []
        if self.wrong or self.right + self.marked != self.frames:
            problems.append(f"{self.wrong} results of {self.frames} are wrong and not marked")
        if self.right == 0:
            problems.append("no result is right")
        for name, allowed in (("memory", MEMORY_GROWTH), ("files", 0), ("threads", 0)):
            if self.growth(name) > allowed:
                problems.append(f"the {name} of the process have grown by {self.growth(name):,}")
        return problems

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        growth = {name: self.growth(name) for name in ("memory", "files", "threads")}
        counts = {"faults": dict(self.faults), "counters": dict(self.counters)}  # asdict() of Python 3.11 damages a Counter
        return {**asdict(replace(self, faults=Counter(), counters=Counter())), **counts, "growth": growth, "problems": self.problems()}


def usage_now(minutes: float) -> Usage:
    """What this process holds; zeros where the system does not say (it has no /proc)."""
    status, files = Path("/proc/self/statm"), Path("/proc/self/fd")
    memory = int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if status.exists() else 0
    return Usage(round(minutes, 2), memory, len(list(files.iterdir())) if files.exists() else 0, threading.active_count())


class Cable(FaultyTransport):
    """A faulty line; the board stays as it is when the driver closes the line."""

    def close(self) -> None:
        """See ``Transport``."""


class Soak:
    """One soak test.

    Parameters
    ----------
    model: the model of the device
    make_board: makes the device
    virtual_seconds: how long, by the clock of the device
    seconds: how long at most, by the clock on the wall
    fault_rate: fraction of the packets that have a fault, of any kind
    """

    def __init__(
        self,
        model: Model,
        make_board: Callable[[], VirtualBoard],
        *,
        virtual_seconds: float,
        seconds: float = float("inf"),
        fault_rate: float = FAULT_RATE,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> None:
        self._model, self._make_board = model, make_board
        self._virtual_seconds, self._seconds, self._fault_rate = virtual_seconds, seconds, fault_rate
        self._rng = np.random.default_rng(seed)
        self._progress = progress
        shape = model.preprocessing.image_shape(model.network.input)
        images = self._rng.integers(0, 256, (IMAGES, shape.channels, shape.height, shape.width), dtype=np.uint8)
        self._images = with_border(images, model.preprocessing)
        self._scores = golden.run(model, self._images)
        self._result = SoakResult()
        self._start = time.monotonic()
        self._earlier = 0.0  # virtual seconds of the boards before this one

    def run(self) -> SoakResult:
        """Stream frames until the time is over, or Ctrl-C or SIGTERM comes. Raises FirebrickError when a tool is missing."""
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            self._run()
        self._result.seconds = round(time.monotonic() - self._start, 1)
        return self._result

    def _run(self) -> None:
        while not self._over():
            board = self._make_board()
            try:
                self._use(board)
            except FirebrickError:
                self._result.lost += 1  # it said so; the next board is this one, switched off and on
            finally:
                board.close()
                self._earlier += board.now()
                self._result.virtual_seconds = self._earlier

    def _over(self) -> bool:
        return self._result.virtual_seconds >= self._virtual_seconds or time.monotonic() - self._start >= self._seconds

    def _use(self, board: VirtualBoard) -> None:
        """One driver after the other on the same board."""
        result = self._result
        while not self._over():
            transport = Cable(board, self._rng, self._fault_rate)
            device: LinkedDevice | None = None
            try:
                device = LinkedDevice(self._model, transport)
                result.drivers += 1
                for _ in range(DEVICE_STREAMS):
                    if self._over():
                        break
                    self._stream(device, board)
                result.counters.update(device.counters())
            finally:
                result.packets += transport.packets
                result.faults.update(transport.injected)
                if device is not None:
                    device.close()

    def _stream(self, device: LinkedDevice, board: VirtualBoard) -> None:
        result, chosen = self._result, self._rng.integers(0, IMAGES, STREAM_FRAMES)
        results = device.stream(self._images[index] for index in chosen)
        abandoned = result.streams % 3 == 2
        for expected, got in enumerate(results):
            result.frames += 1
            if got.scores is None:
                result.marked += 1
            elif got.frame == expected and np.array_equal(got.scores, self._scores[chosen[expected]]):
                result.right += 1
            else:
                result.wrong += 1
            self._note(board)
            if self._over() or (abandoned and expected == STREAM_FRAMES // 2):
                break
        results.close()
        result.streams += 1
        result.abandoned += abandoned

    def _note(self, board: VirtualBoard) -> None:
        """Note the time, and now and then what the process holds."""
        result = self._result
        result.virtual_seconds = round(self._earlier + board.now(), 3)
        done = max(result.virtual_seconds / self._virtual_seconds, (time.monotonic() - self._start) / self._seconds)
        self._progress("soaking", min(1000, round(1000 * done)), 1000)
        if done * SAMPLES >= len(result.usage):
            result.usage.append(usage_now(result.virtual_seconds / 60))


def slow_board(model: Model, lanes: int, progress: Progress = no_progress) -> VirtualBoard:
    """The virtual board with the slow clock. Raises FirebrickError when a tool is missing."""
    return VirtualBoard(model, lanes=lanes, byte_cycles=BYTE_CYCLES, target=SLOW_BOARD, progress=progress)


def summary(result: SoakResult) -> str:
    """The result in some lines."""
    faults = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.faults.items()))
    first, last = (result.usage[0], result.usage[-1]) if result.usage else (Usage(0, 0, 0, 0),) * 2
    return (
        f"{result.virtual_seconds / 60:.1f} virtual minutes in {result.seconds / 60:.1f} minutes\n"
        f"{result.frames:,} results: {result.right:,} right, {result.marked:,} marked as lost, {result.wrong:,} wrong\n"
        f"{result.packets:,} packets with {sum(result.faults.values()):,} faults: {faults}\n"
        f"{result.streams:,} streams, {result.abandoned:,} of them abandoned, by {result.drivers:,} drivers; "
        f"{result.counters['repeated']:,} packets sent again, {result.counters['restarts']:,} new sessions after a failure, "
        f"{result.lost:,} boards given up\n"
        f"memory {first.memory / 1e6:.1f} MB at first, {last.memory / 1e6:.1f} MB at last; growth after the warm-up "
        f"{result.growth('memory') / 1e6:.1f} MB, {result.growth('files')} files, {result.growth('threads')} threads"
    )
