# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Flow control and reassembly: no acknowledgement confuses the sender, and scores are assembled from packets in any order."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firebrick.sw.driver.go_back_n import SendWindow
from firebrick.sw.driver.score_reassembly import ScoreAssembler
from firebrick.sw.link.packets import CLASS_INDEX, SESSION_PACKETS

WINDOW = 50
"""Bytes that the receiver has room for."""


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=40), st.integers(0, 1 << 30))
def test_window_delivers_everything_in_order_over_a_lossy_line(payloads: list[bytes], seed: int) -> None:
    """The oracle is the list of payloads: a receiver that takes only the next packet must end up with exactly that."""
    rng = np.random.default_rng(seed)
    window, delivered, expected = SendWindow(WINDOW), list[bytes](), 0
    window.add(payloads)
    for _ in range(10_000):
        for sequence, payload in window.sendable():
            if rng.random() < 0.7 and sequence == expected:
                delivered.append(payload)
                expected += 1
        if rng.random() < 0.7 and window.acknowledge(expected, WINDOW) == 0:
            window.go_back()
        if not window.has_unacknowledged and not window.has_unsent:
            break
    assert delivered == payloads


@given(st.lists(st.integers(1, 30), max_size=20), st.lists(st.tuples(st.integers(0, 70_000), st.integers(0, WINDOW)), max_size=20))
def test_window_never_sends_beyond_the_free_space_whatever_is_acknowledged(sizes: list[int], answers: list[tuple[int, int]]) -> None:
    """The oracle keeps the sizes of unacknowledged packets in a dictionary, and compares their sum with the last free space granted."""
    window, free_space, base = SendWindow(WINDOW), WINDOW, 0
    window.add(map(bytes, sizes))
    in_flight: dict[int, int] = {}
    for sequence, granted in answers:
        for sent, payload in window.sendable():
            in_flight[sent] = len(payload)
            assert sum(in_flight.values()) <= free_space
        acknowledged = window.acknowledge(sequence, granted)
        if acknowledged is None:
            assert sequence not in range(base, base + len(in_flight) + 1)
            continue
        assert base + acknowledged == sequence
        base, free_space = base + acknowledged, granted
        in_flight = {sent: size for sent, size in in_flight.items() if sent >= base}


def test_window_numbers_the_packets_of_a_whole_session_without_wrapping_around() -> None:
    window = SendWindow(15)
    window.add([b"x"] * (SESSION_PACKETS - 15))
    assert window.remaining == 15
    window.add([b"x"] * 15)
    for count in range(0, SESSION_PACKETS, 15):
        assert window.remaining == 0
        assert [sequence for sequence, _ in window.sendable()] == list(range(count, count + 15))
        assert window.acknowledge(count + 15, 15) == 15
    assert window.acknowledge(0, 15) is None, "an old message is not taken for one 65,536 packets later"
    assert not window.has_unsent


def test_window_ignores_messages_from_the_past_and_the_future() -> None:
    window = SendWindow(100)
    window.add([b"a", b"b", b"c"])
    list(window.sendable())
    assert window.acknowledge(2, 100) == 2
    assert window.acknowledge(1, 0) is None
    assert window.acknowledge(4, 0) is None
    assert window.acknowledge(3, 100) == 1
    assert not window.has_unacknowledged


def test_window_counts_retransmissions_and_accepts_an_acknowledgement_after_going_back() -> None:
    window = SendWindow(100)
    window.add([b"a", b"b", b"c"])
    assert len(list(window.sendable())) == 3
    window.go_back()
    assert window.acknowledge(2, 100) == 2  # two packets had arrived after all
    assert list(window.sendable()) == [(2, b"c")]
    assert window.retransmissions == 1


def score_payloads(scores: NDArray[np.int64], score_bytes: int, scores_per_packet: int) -> Iterator[bytes]:
    for first in range(0, len(scores), scores_per_packet):
        encoded = ((int(score) % 256**score_bytes).to_bytes(score_bytes, "little") for score in scores[first : first + scores_per_packet])
        yield CLASS_INDEX.pack(first) + b"".join(encoded)


@given(st.integers(1, 200), st.integers(1, 7), st.integers(1, 60), st.booleans(), st.integers(0, 1 << 30))
def test_scores_are_assembled_in_any_order(classes: int, score_bytes: int, scores_per_packet: int, signed: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    offset = 256**score_bytes // 2 if signed else 0
    scores = rng.choice([0, 1, offset, 256**score_bytes - 1, int(rng.integers(256**score_bytes))], classes) - offset
    payloads = list(score_payloads(scores, score_bytes, scores_per_packet))
    assembler, order = ScoreAssembler(classes, score_bytes, signed), rng.permutation(len(payloads))
    for index in order[:-1]:
        assert assembler.add(payloads[index]) is None
        assert assembler.add(payloads[index]) is None  # a repeated packet changes nothing
    assembled = assembler.add(payloads[order[-1]])
    assert assembled is not None
    np.testing.assert_array_equal(assembled, scores)


@given(st.lists(st.binary(max_size=120), max_size=20))
def test_score_assembler_survives_any_payload(payloads: list[bytes]) -> None:
    assembler = ScoreAssembler(7, 3)
    for payload in payloads:
        scores = assembler.add(payload)
        assert scores is None or scores.shape == (7,)
