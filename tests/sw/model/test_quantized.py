# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Models: everything that `verify` rejects, and accumulator ranges, compared with all partial sums in all orders."""

import dataclasses
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Model, Preprocessing, QuantizedLayer
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, Network, Shape
from tests.helpers.random_models import random_model

NETWORK = Network("test", Shape(3, 5, 5), (Conv("conv1", 4, 3), Fire("fire2", 2, 3, 3), Conv("conv10", 2, 1), GlobalAverage("pool10")))
MODEL = random_model(np.random.default_rng(0), NETWORK, bits=4)


def changed(name: str, **changes: Any) -> Model:
    """The sample model with some fields of one layer replaced."""
    return dataclasses.replace(MODEL, layers=MODEL.layers | {name: dataclasses.replace(MODEL.layers[name], **changes)})


def codebook(*entries: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.array([*entries, *range(1, 17 - len(entries))], np.int32)


def filter_of(weights: list[int], bias: int = 0, shift: int = 0) -> QuantizedLayer:
    """A layer of one filter over 1x1 inputs with these weights."""
    codes = np.arange(1, len(weights) + 1, dtype=np.uint8).reshape(1, -1, 1, 1)
    return QuantizedLayer(codes, np.array([0, *weights], np.int32), np.array([bias]), shift)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (dataclasses.replace(MODEL, layers={}), "model of test: layers must be those of the network, in its order"),
        (dataclasses.replace(MODEL, layers=dict(reversed(MODEL.layers.items()))), "in its order"),
        (dataclasses.replace(MODEL, labels=("one",)), "labels must be 2, one a class, not 1"),
        (dataclasses.replace(MODEL, score_scale=0.0), "score_scale must be a positive number, not 0"),
        (dataclasses.replace(MODEL, score_scale=float("inf")), "score_scale must be a positive number, not inf"),
        (dataclasses.replace(MODEL, score_scale=float("nan")), "score_scale must be a positive number, not nan"),
        (dataclasses.replace(MODEL, network=dataclasses.replace(NETWORK, stages=())), "the last stage"),
        (changed("conv1", codes=np.zeros((4, 3, 3, 2), np.uint8)), r"layer conv1: codes must have shape \(4, 3, 3, 3\), not"),
        (changed("conv1", codes=np.zeros((4, 3, 3, 3), np.int64)), "must be uint8, int32 and int64, not int64, int32 and int64"),
        (changed("conv1", codes=np.full((4, 3, 3, 3), 16, np.uint8)), "a code lies outside the codebook"),
        (changed("conv1", codebook=np.zeros(0, np.int32)), "codebook must have 2 to 256 entries"),
        (changed("conv1", codebook=np.zeros(1, np.int32)), "codebook must have 2 to 256 entries"),
        (changed("conv1", codebook=np.zeros(17, np.int32)), "a power of two"),
        (changed("conv1", codebook=np.zeros(512, np.int32)), "codebook must have 2 to 256 entries"),
        (changed("conv1", codebook=np.zeros((16, 1), np.int32)), "codebook must have 2 to 256 entries"),
        (changed("conv1", codebook=np.zeros(16)), "must be uint8, int32 and int64, not uint8, float64"),
        (changed("conv1", codebook=codebook(1)), "first entry must be 0"),
        (changed("conv1", codebook=codebook(0, 2048)), r"centroids must lie within \+-2047"),
        (changed("conv1", codebook=codebook(0, -2048)), r"centroids must lie within \+-2047"),
        (changed("conv1", codebook=codebook(0, -(2**31))), r"centroids must lie within \+-2047"),
        (changed("conv10", bias=np.zeros(3, np.int64)), r"layer conv10: biases must be 2, not \(3,\)"),
        (changed("conv10", bias=np.array([0, 1 << 31])), "biases must fit 32 bits"),
        (changed("conv10", bias=np.array([-(2**63), 0])), "biases must fit 32 bits"),
        (changed("conv10", shift=-1), "shift must be 0 to 24, not -1"),
        (changed("conv10", shift=25), "shift must be 0 to 24, not 25"),
        (changed("fire2/expand1x1", shift=(MODEL.layers["fire2/expand1x1"].shift + 1) % 25), "fire2: both kinds of expand filters must"),
    ],
)
def test_model_verify_rejects(bad: Model, message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        bad.verify()


def test_model_verify_takes_the_extremes() -> None:
    changed("conv1", codebook=codebook(0, 2047, -2047)).verify()
    changed("conv10", bias=np.array([2**31 - 1, -(2**31) + 1]), shift=24).verify()


@given(st.lists(st.integers(-2047, 2047), min_size=1, max_size=4), st.integers(-5000, 5000), st.integers(0, 12))
def test_model_accumulator_range_is_exactly_that_of_the_partial_sums(weights: list[int], bias: int, shift: int) -> None:
    layer = filter_of(weights, bias, shift)
    initial = bias + (2 ** (shift - 1) if shift else 0)
    reached = {0, initial}
    for pixels in product((0, 255), repeat=len(weights)):
        for order in permutations(range(len(weights))):
            total = initial
            for index in order:
                total += weights[index] * pixels[index]
                reached.add(total)
    low, high = layer.accumulator_range()
    assert (low, high) == (min(reached), max(reached))
    bits = layer.accumulator_bits
    assert -(2 ** (bits - 1)) <= low
    assert high < 2 ** (bits - 1)
    assert bits == 2 or low < -(2 ** (bits - 2)) or high >= 2 ** (bits - 2)  # one bit less would overflow


def test_model_accumulator_range_covers_every_filter() -> None:
    codes = np.array([[1, 1], [2, 2]], np.uint8).reshape(2, 2, 1, 1)
    layer = QuantizedLayer(codes, np.array([0, 3, -5, 0], np.int32), np.array([7, -9]), 3)
    assert layer.accumulator_range() == (-9 + 4 - 5 * 2 * 255, 7 + 4 + 3 * 2 * 255)


@pytest.mark.parametrize(("entries", "bits"), [(2, 1), (4, 2), (64, 6), (256, 8)])
def test_model_bits_are_the_width_of_a_code(entries: int, bits: int) -> None:
    assert QuantizedLayer(np.zeros((1, 1, 1, 1), np.uint8), np.zeros(entries, np.int32), np.zeros(1, np.int64), 0).bits == bits


def test_model_counts_codes_not_values() -> None:
    layer = QuantizedLayer(np.array([0, 1, 2, 2], np.uint8).reshape(1, 4, 1, 1), np.array([0, 5, 0, 1], np.int32), np.zeros(1, np.int64), 1)
    assert layer.nonzero == 3
    assert layer.weights.ravel().tolist() == [0, 5, 0, 0]
    assert layer.accumulator_init.tolist() == [1]


def test_model_rounding_term_is_half_of_the_last_bit() -> None:
    assert [int(filter_of([1], 0, shift).accumulator_init[0]) for shift in (0, 1, 2, 24)] == [0, 1, 2, 2**23]


def test_model_generator_is_a_function_of_the_seed() -> None:
    first, second = (random_model(np.random.default_rng(9)) for _ in range(2))
    assert first.network == second.network
    assert first.preprocessing == second.preprocessing == Preprocessing(first.preprocessing.resize, first.preprocessing.mean)
    for name, layer in first.layers.items():
        np.testing.assert_array_equal(layer.codes, second.layers[name].codes)
