# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Items of an iterable, fetched while other work goes on."""

from collections.abc import Iterable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
TAKE_TIMEOUT = 0.001
"""Seconds to wait for an item that is not needed at once: an item from memory arrives long before."""


class Prefetcher(Generic[Item]):
    """Fetches the items of an iterable one by one in a thread, so that a slow source does not block the caller.

    Parameters
    ----------
    items: none of them is None; after ``close`` no other item is fetched
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)
        self._requests: SimpleQueue[bool] = SimpleQueue()  # False ends the thread
        self._answers: SimpleQueue[tuple[Item | None, BaseException | None]] = SimpleQueue()
        self.pending = False
        """Whether an item was requested and has not arrived."""
        self.exhausted = False
        """Whether the last item was taken."""
        Thread(target=self._serve, daemon=True).start()

    def take(self, *, wait: bool) -> Item | None:
        """The next item; None at the end, and without ``wait`` also where it has not arrived. Raises what the iterable raises."""
        if not self.pending:
            self._requests.put(True)
            self.pending = True
        try:
            item, error = self._answers.get(timeout=None if wait else TAKE_TIMEOUT)
        except Empty:
            return None
        self.pending = False
        if error is not None:
            raise error
        self.exhausted = item is None
        return item

    def close(self) -> None:
        """End the thread, as soon as an item that was requested has arrived."""
        self._requests.put(False)

    def _serve(self) -> None:
        """Body of the thread."""
        while self._requests.get():
            try:
                self._answers.put((next(self._items, None), None))
            except BaseException as error:  # of any kind: the caller of take() gets it
                self._answers.put((None, error))
