# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Seed sweep: place and route one design from several seeds in parallel, and rank the results by Fmax."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Generic, TypeVar

from ...sw.errors import FirebrickError
from ...sw.utils.progress import Progress

Routed = TypeVar("Routed")
PROGRESS_INTERVAL = 1.0
"""Seconds between two progress messages."""


@dataclass(frozen=True)
class SeedResult(Generic[Routed]):
    """The result of one seed."""

    seed: int
    fmax_mhz: float
    """0 if place and route failed."""
    routed: Routed | None


class _CancelledError(Exception):
    """Raised inside a tool's progress callback, so that the tool is ended."""


def sweep_seeds(
    place_and_route: Callable[[int, Progress], Routed],
    fmax_mhz: Callable[[Routed], float],
    seeds: Sequence[int],
    jobs: int,
    progress: Progress,
) -> list[SeedResult[Routed]]:
    """The results of all seeds, the fastest first, equal ones in the order of the seeds.

    ``place_and_route`` is run for a seed, ``jobs`` at a time, and ``fmax_mhz`` rates what it returns. Raises the first seed's
    FirebrickError if all fail. Whatever ends the sweep early, an interrupt included, all tools have ended when this returns.
    """
    cancelled = Event()
    messages = dict.fromkeys(seeds, "waiting")

    def run(seed: int) -> Routed:
        def seed_progress(step: str, _done: int = 0, _total: int = 0, /) -> None:
            if cancelled.is_set():
                raise _CancelledError
            messages[seed] = step

        seed_progress("starting")
        routed = place_and_route(seed, seed_progress)
        messages[seed] = f"seed {seed}: {fmax_mhz(routed):.1f} MHz"
        return routed

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        futures: dict[int, Future[Routed]] = {seed: pool.submit(run, seed) for seed in messages}
        try:
            while any(not future.done() for future in futures.values()):
                wait(futures.values(), PROGRESS_INTERVAL)
                progress("; ".join(message for message in messages.values() if message != "waiting") or "starting")
        finally:
            cancelled.set()  # running tools end at their next progress message, waiting ones at their first
    results = [_result(seed, future, fmax_mhz) for seed, future in futures.items()]
    if all(result.routed is None for result in results):
        for future in futures.values():
            future.result()  # raises the error
    return sorted(results, key=lambda result: -result.fmax_mhz)


def _result(seed: int, future: "Future[Routed]", fmax_mhz: Callable[[Routed], float]) -> SeedResult[Routed]:
    """A seed's result; a seed that failed has none."""
    error = future.exception()
    if error is None:
        routed = future.result()
        return SeedResult(seed, fmax_mhz(routed), routed)
    if isinstance(error, FirebrickError):
        return SeedResult(seed, 0.0, None)
    raise error
