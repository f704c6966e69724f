# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where points are measured: in processes of this machine, or on a Dask cluster."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..errors import FirebrickError

CONNECT_TIMEOUT = 10


class _Processes(ProcessPoolExecutor):
    """Processes that an interrupt ends in the middle of a point, and quietly between two."""

    def submit(self, what: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        return super().submit(_interruptible, partial(what, *args, **named))


def _interruptible(what: Callable[[], Any]) -> Any:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return what()
    finally:
        _deaf()


def _deaf() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def local_processes(jobs: int) -> Iterator[Executor]:
    """So many processes of this machine; what has not begun when an exception leaves the context is dropped."""
    executor = _Processes(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_deaf)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """The workers of a Dask scheduler, which must have the same Firebrick installed.

    Raises FirebrickError where the package is missing or the scheduler does not answer.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as problem:
        raise FirebrickError("distributed, which reaches a Dask cluster, is missing; install firebrick[cluster]") from problem
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError) as problem:
        said = str(problem).partition("\n")[0] or type(problem).__name__
        hint = "give the address that it prints when it starts, such as tcp://host:8786"
        raise FirebrickError(f"no Dask scheduler answers at {address} ({said}); {hint}") from problem
    with client:
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)
