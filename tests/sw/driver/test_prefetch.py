# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Items that are asked for in a thread: in order, one at a time, and nobody waits who need not."""

import threading
from collections.abc import Iterator

import pytest

from firebrick.sw.driver.prefetch import Prefetcher


def test_ahead_gives_the_items_in_order_and_then_ends() -> None:
    ahead = Prefetcher(range(3))
    assert [ahead.take(wait=True) for _ in range(4)] == [0, 1, 2, None]
    assert ahead.exhausted
    ahead.close()


def test_ahead_keeps_nobody_waiting_and_asks_for_one_item_at_a_time() -> None:
    go, asked = threading.Event(), list[int]()

    def slow() -> Iterator[int]:
        for number in range(2):
            asked.append(number)
            go.wait(60)
            yield number

    ahead = Prefetcher(slow())
    assert asked == []
    assert ahead.take(wait=False) is ahead.take(wait=False) is None
    assert (ahead.pending, ahead.exhausted) == (True, False)
    go.set()
    assert ahead.take(wait=True) == 0
    assert (ahead.pending, asked) == (False, [0])
    ahead.close()


def test_ahead_raises_what_the_items_raise() -> None:
    ahead = Prefetcher(1 // number for number in (1, 0))
    assert ahead.take(wait=True) == 1
    with pytest.raises(ZeroDivisionError):
        ahead.take(wait=True)
    ahead.close()


def test_ahead_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    ahead = Prefetcher(range(3))
    ahead.take(wait=True)
    ahead.close()
    for thread in threading.enumerate()[before:]:
        thread.join(10)
    assert threading.active_count() == before
