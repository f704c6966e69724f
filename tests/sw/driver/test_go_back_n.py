# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Flow control and results: a sender that no answer can confuse, and scores put together from any packets."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firebrick.sw.driver.go_back_n import SendWindow
from firebrick.sw.driver.score_reassembly import ScoreAssembler
from firebrick.sw.link.packets import CLASS_INDEX

ROOM = 50


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=40), st.integers(0, 1 << 30))
def test_window_delivers_everything_in_order_over_a_lossy_line(payloads: list[bytes], seed: int) -> None:
    rng = np.random.default_rng(seed)
    window, taken, expected = SendWindow(ROOM), list[bytes](), 0
    window.add(payloads)
    for _ in range(10_000):
        for number, payload in window.sendable():
            if rng.random() < 0.7 and number == expected % (1 << 16):
                taken.append(payload)
                expected += 1
        if rng.random() < 0.7 and window.acknowledge(expected % (1 << 16), ROOM) == 0:
            window.go_back()
        if not window.has_unacknowledged and not window.has_unsent:
            break
    assert taken == payloads


@given(st.lists(st.integers(1, 30), max_size=20), st.lists(st.tuples(st.integers(0, 70_000), st.integers(0, ROOM)), max_size=20))
def test_window_never_sends_beyond_the_room_whatever_is_acknowledged(sizes: list[int], answers: list[tuple[int, int]]) -> None:
    window, room, first = SendWindow(ROOM), ROOM, 0
    window.add(map(bytes, sizes))
    flying: dict[int, int] = {}
    for number, granted in answers:
        for each, payload in window.sendable():
            flying[each] = len(payload)
            assert sum(flying.values()) <= room
        taken = window.acknowledge(number % (1 << 16), granted)
        if taken is None:
            assert number % (1 << 16) not in range(first, first + len(flying) + 1)
            continue
        assert first + taken == number % (1 << 16)
        first, room = first + taken, granted
        flying = {each: size for each, size in flying.items() if each >= first}


def test_window_goes_round_at_the_end_of_the_numbers() -> None:
    window = SendWindow(10)
    window.add([b"x"] * 70_000)
    for count in range(0, 70_000, 10):
        assert [number for number, _ in window.sendable()] == [each % (1 << 16) for each in range(count, count + 10)]
        assert window.acknowledge((count + 10) % (1 << 16), 10) == 10


def test_window_ignores_messages_from_the_past_and_the_future() -> None:
    window = SendWindow(100)
    window.add([b"a", b"b", b"c"])
    list(window.sendable())
    assert window.acknowledge(2, 100) == 2
    assert window.acknowledge(1, 0) is None
    assert window.acknowledge(4, 0) is None
    assert window.acknowledge(3, 100) == 1
    assert not window.has_unacknowledged


def test_window_counts_what_goes_again_and_takes_an_acknowledgement_after_going_back() -> None:
    window = SendWindow(100)
    window.add([b"a", b"b", b"c"])
    assert len(list(window.sendable())) == 3
    window.go_back()
    assert window.acknowledge(2, 100) == 2  # it had come after all
    assert list(window.sendable()) == [(2, b"c")]
    assert window.retransmissions == 1


def parts(scores: NDArray[np.int64], size: int, most: int) -> Iterator[bytes]:
    for first in range(0, len(scores), most):
        yield CLASS_INDEX.pack(first) + b"".join(int(score).to_bytes(size, "little") for score in scores[first : first + most])


@given(st.integers(1, 200), st.integers(1, 4), st.integers(1, 60), st.integers(0, 1 << 30))
def test_collector_puts_scores_together_in_any_order(classes: int, size: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 256**size, classes)
    payloads = list(parts(scores, size, most))
    collector, order = ScoreAssembler(classes, size), rng.permutation(len(payloads))
    for place in order[:-1]:
        assert collector.add(payloads[place]) is None
        assert collector.add(payloads[place]) is None  # twice is once
    found = collector.add(payloads[order[-1]])
    assert found is not None
    np.testing.assert_array_equal(found, scores)


@given(st.lists(st.binary(max_size=120), max_size=20))
def test_collector_survives_any_payload(payloads: list[bytes]) -> None:
    collector = ScoreAssembler(7, 3)
    for payload in payloads:
        found = collector.add(payload)
        assert found is None or found.shape == (7,)
