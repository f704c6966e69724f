# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Executors for long computations: processes on this machine, or a Dask cluster."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..errors import FirebrickError
from .distribution import install_extra

CONNECT_TIMEOUT = 10
"""Seconds to wait for a Dask scheduler."""

logger = logging.getLogger(__name__)


class _Processes(ProcessPoolExecutor):
    """Processes that react to Ctrl-C only while they run a task, an idle one would print a traceback, and that end with this process."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        return super().submit(_interruptible, partial(task, *args, **named))


def _interruptible(task: Callable[[], Any]) -> Any:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return task()
    finally:
        _ignore_interrupts()


def _start_worker() -> None:
    _ignore_interrupts()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker when its parent ends, however that happens: the pool's queue would keep it waiting for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # a worker has one
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def local_processes(jobs: int) -> Iterator[Executor]:
    """An executor of ``jobs`` processes on this machine. An exception that leaves the context cancels all tasks that have not started."""
    executor = _Processes(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker)
    logger.info("starting %d processes", jobs)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """An executor on the workers of a Dask scheduler, which must have the same version of Firebrick installed.

    Raises FirebrickError if the package `distributed` is missing or the scheduler does not answer.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as problem:
        raise FirebrickError(f"distributed, which reaches a Dask cluster, is missing; {install_extra('cluster')}") from problem
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError) as problem:
        reason = str(problem).partition("\n")[0] or type(problem).__name__
        hint = "give the address that it prints when it starts, such as tcp://host:8786"
        raise FirebrickError(f"no Dask scheduler answers at {address} ({reason}); {hint}") from problem
    logger.info("connected to the Dask scheduler at %s", address)
    with client:
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)
