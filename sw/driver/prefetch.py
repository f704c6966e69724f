# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames that are asked for while other things go on."""

from collections.abc import Iterable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
TAKE_TIMEOUT = 0.001
"""Seconds that an item is waited for where it is not needed at once: whatever lies in memory is there long before."""


class Prefetcher(Generic[Item]):
    """The items of an iterable, each asked for when it is wanted, in a thread of its own, so that a slow one keeps nobody waiting.

    Parameters
    ----------
    items: none of them None; not asked for another one after ``close``
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)
        self._asks: SimpleQueue[bool] = SimpleQueue()
        self._answers: SimpleQueue[tuple[Item | None, BaseException | None]] = SimpleQueue()
        self.pending = False
        """An item was asked for, and is not there yet."""
        self.exhausted = False
        """There are no more items."""
        Thread(target=self._serve, daemon=True).start()

    def take(self, *, wait: bool) -> Item | None:
        """The next item; None at the end, or unless ``wait`` where it is not there yet. Raises what the iterable does."""
        if not self.pending:
            self._asks.put(True)
            self.pending = True
        try:
            item, problem = self._answers.get(timeout=None if wait else TAKE_TIMEOUT)
        except Empty:
            return None
        self.pending = False
        if problem is not None:
            raise problem
        self.exhausted = item is None
        return item

    def close(self) -> None:
        """Let the thread end, when the item that it was asked for is there."""
        self._asks.put(False)

    def _serve(self) -> None:
        """What the thread does."""
        while self._asks.get():
            try:
                self._answers.put((next(self._items, None), None))
            except BaseException as problem:  # whatever it is, it is for whoever takes the item
                self._answers.put((None, problem))
