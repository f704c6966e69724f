# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The weight decoder in the simulator: it must send the groups of weights that were encoded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.hw.weights.weight_decoder import WeightDecoder, entry_layout
from firebrick.sw.coding.encoder import WeightGroup, encode_weights
from firebrick.sw.coding.streams import EncodedWeights
from tests.helpers.streams import take_first


@dataclass(frozen=True)
class Entry:
    centroid: int
    group: int
    tap: int
    inner: int
    first: int
    last: int


def unpacked(weights: EncodedWeights, payload: int) -> Entry:
    fields: dict[str, Any] = {}
    for name, field in entry_layout(weights):
        value = payload >> field.offset & ((1 << field.width) - 1)
        fields[str(name)] = value - (value >> (field.width - 1) << field.width) if name == "centroid" else value
    return Entry(**fields)


def random_groups(
    rng: np.random.Generator, *, inner: int, taps: int, types: list[int], density: float, limit: int = 40
) -> list[WeightGroup]:
    def weights(size: int) -> NDArray[np.int32]:
        return (rng.integers(-limit, limit + 1, size) * (rng.random(size) < density)).astype(np.int32)

    return [WeightGroup(filter_type, weights(inner if filter_type else taps * inner)) for filter_type in types]


def check(
    groups: list[WeightGroup], *, inner: int, taps: int, rng: np.random.Generator, stall: float = 0.2, passes: int = 2
) -> EncodedWeights:
    """Compare some passes of the decoder with the groups: every weight with its position, in order, and the first and last flags."""
    weights = encode_weights(groups, inner=inner, taps=taps)
    payloads, _ = take_first(WeightDecoder(weights=weights), passes * weights.entries, rng=rng, stall=stall)
    entries = [unpacked(weights, payload) for payload in payloads]
    for start in range(0, len(entries), weights.entries):
        one_pass = entries[start : start + weights.entries]
        positions = [(entry.group, entry.tap, entry.inner) for entry in one_pass]
        assert positions == sorted(set(positions))
        numbers = [entry.group for entry in one_pass]
        for number, group in enumerate(groups):
            decoded = np.zeros((taps, inner), np.int32)
            group_entries = [entry for entry in one_pass if entry.group == number]
            for entry in group_entries:
                decoded[entry.tap, entry.inner] = entry.centroid
            expected = np.zeros((taps, inner), np.int32)
            if group.filter_type:
                expected[taps // 2] = group.weights
                assert {entry.tap for entry in group_entries} == {taps // 2}
            else:
                expected[:] = group.weights.reshape(taps, inner)
            assert np.array_equal(decoded, expected)
        assert sorted(set(numbers)) == list(range(len(groups)))
        assert [bool(entry.first) for entry in one_pass] == [
            index == 0 or numbers[index - 1] != group for index, group in enumerate(numbers)
        ]
        assert [bool(entry.last) for entry in one_pass] == [[*numbers, -1][index + 1] != group for index, group in enumerate(numbers)]
    return weights


@pytest.mark.parametrize("seed", range(12))
def test_weight_decoder_sends_every_weight_with_its_position(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inner, taps = int(rng.integers(1, 12)), int(rng.choice([1, 9]))
    types = [int(filter_type) for filter_type in rng.integers(0, 2 if taps > 1 else 1, int(rng.integers(1, 7)))]
    density = float(rng.choice([0.0, 0.1, 0.4, 1.0]))
    check(random_groups(rng, inner=inner, taps=taps, types=types, density=density), inner=inner, taps=taps, rng=rng)


@pytest.mark.parametrize("types", [[0, 0, 0], [1, 1, 1], [0, 1, 0, 1], [1, 0], [0, 1], [0, 0, 1, 1, 1]])
def test_weight_decoder_mixes_filter_types(types: list[int]) -> None:
    rng = np.random.default_rng(len(types))
    weights = check(random_groups(rng, inner=3, taps=9, types=types, density=0.5), inner=3, taps=9, rng=rng)
    assert weights.filter_types == tuple(types)


def test_weight_decoder_needs_no_zero_runs_if_no_weight_is_zero() -> None:
    groups = [WeightGroup(0, np.arange(1, 19, dtype=np.int32)), WeightGroup(0, np.arange(-18, 0, dtype=np.int32))]
    assert check(groups, inner=2, taps=9, rng=np.random.default_rng(0)).zero_runs is None


@pytest.mark.parametrize("inner", [1, 5, 100])
def test_weight_decoder_sends_padding_zeros_in_groups_without_weights(inner: int) -> None:
    groups = [WeightGroup(0, np.zeros(inner, np.int32)) for _ in range(3)]
    weights = check(groups, inner=inner, taps=1, rng=np.random.default_rng(0))
    assert weights.entries == -(-3 * inner // min(inner, 64))


def test_weight_decoder_sends_padding_zeros_in_runs_beyond_the_alphabet() -> None:
    flat = np.zeros(300, np.int32)
    flat[[0, 64, 200]] = [5, -7, 9]
    weights = check([WeightGroup(0, flat)], inner=300, taps=1, rng=np.random.default_rng(0))
    assert weights.zero_runs is not None
    assert max(weights.run_lengths) == 63
    assert weights.entries == 3 + 2 + 1  # 64 after 0, then two padding zeros before 200, and one before the next pass's 0


def test_weight_decoder_sends_required_zeros() -> None:
    flat = np.zeros(6, np.int32)
    flat[2] = 3
    groups = [WeightGroup(0, flat, required=True), WeightGroup(0, flat), WeightGroup(0, flat, required=True)]
    weights = check(groups, inner=6, taps=1, rng=np.random.default_rng(0))
    assert weights.entries == 6 + 1 + 6


@pytest.mark.parametrize("centroid", [(1 << 15) - 1, -(1 << 15)])
def test_weight_decoder_takes_the_largest_centroids(centroid: int) -> None:
    check([WeightGroup(0, np.array([centroid, 0, 1], np.int32))], inner=3, taps=1, rng=np.random.default_rng(0))


def test_weight_decoder_takes_256_centroids() -> None:
    flat = np.random.default_rng(0).permutation(np.arange(-128, 128, dtype=np.int32))
    assert check([WeightGroup(0, flat)], inner=64, taps=4, rng=np.random.default_rng(0)).codes.width == 18


def test_weight_decoder_takes_a_single_weight() -> None:
    check([WeightGroup(0, np.array([-3], np.int32))], inner=1, taps=1, rng=np.random.default_rng(0), passes=8)


@pytest.mark.parametrize("density", [0.3, 1.0])
def test_weight_decoder_sends_an_entry_a_cycle_except_for_one_cycle_a_pass(density: float) -> None:
    rng = np.random.default_rng(1)
    groups = random_groups(rng, inner=7, taps=9, types=[0, 1, 0], density=density)
    weights = encode_weights(groups, inner=7, taps=9)
    count = weights.entries
    _, cycles = take_first(WeightDecoder(weights=weights), 3 * count, rng=rng)
    # The last entry of a pass waits for the first one of the next pass, which shows that its group has ended.
    assert cycles == [cycles[0] + index + (index + 1) // count for index in range(3 * count)]
