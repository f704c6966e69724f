# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Several placements of one design, from different seeds, at the same time; the fastest is kept."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Generic, TypeVar

from ...sw.errors import FirebrickError
from ...sw.utils.progress import Progress

Result = TypeVar("Result")
LOOK = 1.0
"""Seconds between two lines of progress."""


@dataclass(frozen=True)
class SeedResult(Generic[Result]):
    """What came of one seed."""

    seed: int
    fmax_mhz: float
    """0 where placement or routing failed."""
    result: Result | None


class _StoppedError(Exception):
    """Raised inside a tool's progress, so that the tool is ended."""


def sweep_seeds(
    make: Callable[[int, Progress], Result], rate: Callable[[Result], float], seeds: Sequence[int], jobs: int, progress: Progress
) -> list[SeedResult[Result]]:
    """What comes of each seed, the fastest first, equal ones in the order of the seeds.

    ``make`` places and routes from a seed and tells of its progress; ``rate`` says what clock its result reaches, in MHz; ``jobs`` run
    at a time. Raises the first seed's FirebrickError where all fail. Whatever ends it early, an interrupt included, has ended all tools.
    """
    stopping = Event()
    says = dict.fromkeys(seeds, "waiting")

    def run(seed: int) -> Result:
        def listen(step: str, _done: int = 0, _total: int = 0, /) -> None:
            if stopping.is_set():
                raise _StoppedError
            says[seed] = step

        listen("starting")
        result = make(seed, listen)
        says[seed] = f"seed {seed}: {rate(result):.1f} MHz"
        return result

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        futures: dict[int, Future[Result]] = {seed: pool.submit(run, seed) for seed in says}
        try:
            while any(not future.done() for future in futures.values()):
                wait(futures.values(), LOOK)
                progress("; ".join(text for text in says.values() if text != "waiting") or "starting")
        finally:
            stopping.set()
    found = [_tried(seed, future, rate) for seed, future in futures.items()]
    if all(one.result is None for one in found):
        for future in futures.values():
            future.result()
    return sorted(found, key=lambda one: -one.fmax_mhz)


def _tried(seed: int, future: "Future[Result]", rate: Callable[[Result], float]) -> SeedResult[Result]:
    """A seed's result; one that failed reaches nothing."""
    error = future.exception()
    if error is None:
        result = future.result()
        return SeedResult(seed, rate(result), result)
    if isinstance(error, FirebrickError):
        return SeedResult(seed, 0.0, None)
    raise error
