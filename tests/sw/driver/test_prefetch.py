# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Items that a thread fetches: in order, one at a time, without blocking the caller."""

import threading
from collections.abc import Iterator

import pytest

from firebrick.sw.driver.prefetch import Prefetcher


def test_prefetcher_gives_the_items_in_order_and_then_ends() -> None:
    prefetcher = Prefetcher(range(3))
    assert [prefetcher.take(wait=True) for _ in range(4)] == [0, 1, 2, None]
    assert prefetcher.exhausted
    prefetcher.close()


def test_prefetcher_does_not_block_and_fetches_one_item_at_a_time() -> None:
    go, fetched = threading.Event(), list[int]()

    def slow_source() -> Iterator[int]:
        for number in range(2):
            fetched.append(number)
            go.wait(60)
            yield number

    prefetcher = Prefetcher(slow_source())
    assert fetched == []
    assert prefetcher.take(wait=False) is prefetcher.take(wait=False) is None
    assert (prefetcher.pending, prefetcher.exhausted) == (True, False)
    go.set()
    assert prefetcher.take(wait=True) == 0
    assert (prefetcher.pending, fetched) == (False, [0])
    prefetcher.close()


def test_prefetcher_raises_what_the_items_raise() -> None:
    prefetcher = Prefetcher(1 // number for number in (1, 0))
    assert prefetcher.take(wait=True) == 1
    with pytest.raises(ZeroDivisionError):
        prefetcher.take(wait=True)
    prefetcher.close()


def test_prefetcher_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    prefetcher = Prefetcher(range(3))
    prefetcher.take(wait=True)
    prefetcher.close()
    for thread in threading.enumerate()[before:]:
        thread.join(10)
    assert threading.active_count() == before
