# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The integer softmax beside the float one, the names' code, the text of the screen."""

import itertools

import numpy as np
import pytest

from firebrick.sw.coding.huffman import CanonicalCode
from firebrick.sw.display.font import CHARACTERS, glyphs
from firebrick.sw.display.name_code import CYCLES_MAX, END, NameCode
from firebrick.sw.display.probabilities import ClassShare, IntegerSoftmax
from firebrick.sw.display.render import render
from firebrick.sw.display.settings import DisplaySettings
from firebrick.sw.display.state import ScreenState, Status
from firebrick.sw.display.text import displayed_name, text_lines
from firebrick.sw.errors import FirebrickError
from tests.helpers.displays import LONGEST, global_sum, random_scores, settings


def test_shares_are_within_a_percentage_point_of_the_float_softmax() -> None:
    rng = np.random.default_rng(0)
    softmax = IntegerSoftmax(0.00576)
    worst = 0.0
    for _ in range(100):
        logits = rng.normal(0, rng.uniform(1, 6), 1000) + rng.exponential(1, 1000)
        logits[rng.integers(0, 1000, 3)] += rng.uniform(0, 20, 3)
        scores = np.maximum(0, np.round(logits / softmax.score_scale)).astype(np.int64)
        powers = np.exp((scores - scores.max()) * softmax.score_scale)
        exact = 1000 * powers / powers.sum()
        worst = max(worst, *(abs(share.tenths - exact[share.index]) for share in softmax.shares(scores)))
    assert worst < 10


def test_shares_are_ordered_as_classify_orders_them() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        spec = global_sum(int(rng.integers(1, 30)), zero_point=int(rng.choice([0, 9])))
        scores = random_scores(rng, spec)
        shares = IntegerSoftmax(0.01).shares(scores)
        assert [share.index for share in shares] == np.argsort(-scores, kind="stable")[:5].tolist()
        assert all(first.tenths >= second.tenths for first, second in itertools.pairwise(shares))
        assert sum(share.tenths for share in shares) <= 1003


@pytest.mark.parametrize("names", [settings().names, ("a",), (None, None), ("one", "two", "three")])
def test_names_come_back_out_of_their_code(names: tuple[str | None, ...]) -> None:
    code = NameCode(settings(names=names, led_class=0))
    lengths = [0] * len(code.symbols)
    symbol = 0
    for length, count in enumerate(code.words_of_length, 1):
        for _ in range(count):
            lengths[symbol] = length
            symbol += 1
    total = sum(len(name) + 1 for name in code.names)
    decoded = CanonicalCode(tuple(lengths)).decode(np.array(code.bits, np.uint8), total)
    assert "".join(code.symbols[number] for number in decoded) == "".join(name + END for name in code.names)
    assert code._cycles(code.group) <= CYCLES_MAX


def test_names_are_shown_in_ascii_and_cut() -> None:
    assert displayed_name("Äpfel") == "Apfel"
    assert displayed_name("日") == "?"
    assert displayed_name(LONGEST) == LONGEST[:23].rstrip() + "."


def test_lines_of_text() -> None:
    state = ScreenState((ClassShare(1, 1000), ClassShare(2, 4)), 1200, 123_456, 7, Status.TORN)
    assert text_lines(state, settings()) == [
        "a_network".ljust(31),
        "x" + "100.0%".rjust(30),
        "class 002" + "0.4%".rjust(22),
        *[" " * 31] * 3,
        "999 fps        9999.9 ms".ljust(31),
        "dropped      7  frame torn".ljust(31),
    ]


def test_glyphs_differ_and_only_the_blank_is_empty() -> None:
    drawn = glyphs()
    assert len(set(drawn.values())) == len(CHARACTERS)
    assert [character for character, rows in drawn.items() if not any(rows)] == [" "]


def test_picture_has_bars_of_the_shares() -> None:
    full = render(ScreenState((ClassShare(0, 1000),)), settings())
    row = full[12 + 3 * 24 + 12]
    assert (row[40:602] == (178, 34, 34)).all()
    assert (row[602:] == (16, 16, 24)).all()


def test_settings_reject_an_led_class_and_a_threshold_that_there_is_not() -> None:
    with pytest.raises(FirebrickError, match="the class of the LEDs must be from 0 to 1, not 2"):
        DisplaySettings("n", ("a", "b"), 1.0, led_class=2)
    with pytest.raises(FirebrickError, match="the threshold of the LEDs must be 1 to 100 percent, not 0"):
        DisplaySettings("n", ("a", "b"), 1.0, led_percent=0)
