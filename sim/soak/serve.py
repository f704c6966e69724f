# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Soak test of the live view: viewers come and go, uploads in between, and the server's process must not grow."""

import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...sw.errors import FirebrickError
from ...sw.utils.progress import Progress, no_progress
from ...sw.zoo import catalogue
from .known_frames import KnownFrames, known_image, known_video
from .serve_clients import Uploader, Viewer, frames_answered, select_given
from .server_process import Usage, server_process

MODEL = "digits"
WARM_UP = 0.2
"""Fraction of the frames after which the first measurement is taken: caches and pools have been filled by then."""
MEMORY_GROWTH = 24 * 2**20
"""Bytes of resident memory that the process may gain after the warm-up: allocators keep some."""
THREAD_GROWTH = 8
"""Threads that may come after the warm-up: pools start one whenever none is free, up to a limit."""
QUIET_SECONDS = 3.0
"""Time without clients before each measurement, in which all connections end."""


@dataclass(frozen=True)
class SoakReport:
    """What happened; the fields are keys of the JSON document."""

    frames: int
    """Frames that the device answered."""
    seconds: float
    viewers: int
    """Viewers that came and went."""
    vanished: int
    """Number of these that reset their connection."""
    checked: int
    """Frames whose image and labels a viewer compared with what is right."""
    uploads: int
    """Images and videos that were accepted."""
    refused: int
    """Files that are neither, which were refused."""
    cut_off: int
    """Uploads that the client broke off."""
    start: Usage
    """The process after the warm-up."""
    end: Usage
    faults: list[str]
    """What was wrong; empty if all is well."""

    def as_dict(self) -> dict[str, Any]:
        """The report as a JSON-serialisable dictionary."""
        return asdict(self)


def soak(frames: int, viewers: int, seed: int = 1, progress: Progress = no_progress) -> SoakReport:
    """Run the soak test.

    Args:
        frames: how many frames the server classifies.
        viewers: viewers at a time.
        seed: of the clients' behaviour.
        progress: is called with the frames so far.

    Raises FirebrickError where the system has no /proc, and if the server ends.
    """
    if not sys.platform.startswith("linux"):
        raise FirebrickError("the soak test reads the server's memory from /proc, which only Linux has")
    model = catalogue.load(MODEL)
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="firebrick-soak-") as name:
        folder = Path(name)
        given = known_video(model, "given.avi", rng, 20, 10, folder)
        uploads = [
            *(known_video(model, f"{kind}.avi", rng, 8, 20, folder) for kind in "ab"),
            *(known_image(model, f"{kind}.png", rng) for kind in "cd"),
        ]
        known = {source.name: source for source in (given, *uploads)} | {str(folder / given.name): given}
        with server_process(["--device", "golden", "--model", MODEL, str(folder / given.name)]) as server:
            begin = time.monotonic()

            def run_until(target: int) -> Usage:
                """Let clients come and go until the device has answered so many frames; the usage after they have left."""
                stop = threading.Event()
                threads = [
                    threading.Thread(target=_forever, args=(stop, client, faults))
                    for client in _clients(server.url, known, uploads, viewers, rng, counts, faults)
                ]
                for thread in threads:
                    thread.start()
                try:
                    while (done := frames_answered(server.url)) < target and not faults:
                        server.check()
                        progress("soak", min(done, frames), frames)
                        time.sleep(0.5)
                finally:
                    stop.set()
                    for thread in threads:
                        thread.join()
                select_given(server.url)
                time.sleep(QUIET_SECONDS)
                return server.usage()

            start = run_until(round(WARM_UP * frames))
            end = run_until(frames)
            answered = frames_answered(server.url)
            seconds = round(time.monotonic() - begin, 1)
            errors = server.end()
    faults += [f"the server printed: {errors}"] * bool(errors)
    faults += growth(start, end)
    faults += ["no frame was checked"] * (not counts["checked"])
    tallies = {key: counts[key] for key in ("viewers", "vanished", "checked", "uploads", "refused", "cut_off")}
    return SoakReport(frames=answered, seconds=seconds, **tallies, start=start, end=end, faults=faults)


def growth(start: Usage, end: Usage) -> list[str]:
    """What has grown, in sentences."""
    faults = [f"memory grew from {start.memory:,} to {end.memory:,} bytes"] * (end.memory > start.memory + MEMORY_GROWTH)
    faults += [f"file descriptors grew from {start.descriptors} to {end.descriptors}"] * (end.descriptors > start.descriptors)
    faults += [f"threads grew from {start.threads} to {end.threads}"] * (end.threads > start.threads + THREAD_GROWTH)
    return faults


def _clients(
    url: str,
    known: dict[str, KnownFrames],
    uploads: list[KnownFrames],
    viewers: int,
    rng: np.random.Generator,
    counts: Counter[str],
    faults: list[str],
) -> list[Callable[[], None]]:
    """What each thread does over and over."""
    children = rng.spawn(viewers + 1)
    return [Uploader(url, uploads, children[0], counts).run, *(Viewer(url, known, child, counts, faults).run for child in children[1:])]


def _forever(stop: threading.Event, client: Callable[[], None], faults: list[str]) -> None:
    while not stop.is_set():
        try:
            client()
        except Exception as problem:  # in a thread; reported at the end
            faults.append(f"{type(problem).__name__}: {problem}")
            return
