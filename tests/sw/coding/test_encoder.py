# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The weight encoder: what it encodes decodes to the same weights, within the limits of the hardware decoders."""

import numpy as np
import pytest

from firebrick.sw.coding.encoder import MAX_CODE_LENGTH, MAX_RUN_CODE_LENGTH, RUN_ALPHABET, WeightGroup, encode_stream, encode_weights
from tests.helpers.weight_streams import decode, dense, entries


def random_groups(rng: np.random.Generator, inner: int, taps: int) -> list[WeightGroup]:
    """Groups of random density, of both filter types if there are several taps."""
    groups = []
    values = rng.integers(-200, 201, int(rng.integers(1, 80)))
    for _ in range(int(rng.integers(1, 8))):
        filter_type = int(rng.integers(0, 2)) if taps > 1 else 0
        size = inner if filter_type else taps * inner
        weights = rng.choice(values, size) * (rng.random(size) < rng.choice([0.0, 0.05, 0.5, 1.0]))
        groups.append(WeightGroup(filter_type, weights.astype(np.int32), required=bool(rng.random() < 0.2)))
    return groups


@pytest.mark.parametrize("seed", range(25))
def test_encoder_keeps_every_weight_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inner, taps = int(rng.choice([1, 2, 5, 64, 65, 150])), int(rng.choice([1, 9]))
    groups = random_groups(rng, inner, taps)
    weights = encode_weights(groups, inner=inner, taps=taps)
    array = dense(weights)
    for number, group in enumerate(groups):
        assert np.array_equal(array[number, taps // 2] if group.filter_type else array[number].reshape(-1), group.weights)
    all_entries = entries(weights)
    assert len(all_entries) == weights.entries
    assert {entry[0] for entry in all_entries} == set(range(len(groups))), "every group has an entry"
    for number, group in enumerate(groups):
        if group.required:
            assert sum(entry[0] == number for entry in all_entries) == len(group.weights)


@pytest.mark.parametrize("seed", range(10))
def test_encoder_stays_within_the_limits_of_the_decoders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inner = int(rng.choice([3, 64, 130]))
    weights = encode_weights(random_groups(rng, inner, 9), inner=inner, taps=9)
    assert all(0 <= run < min(inner, RUN_ALPHABET) for run in weights.run_lengths)
    assert max(weights.codes.lengths) <= weights.codes.width
    assert list(weights.codes.lengths) == sorted(weights.codes.lengths)
    if weights.zero_runs:
        assert max(weights.zero_runs.lengths) <= MAX_RUN_CODE_LENGTH


def test_encoder_omits_zero_runs_if_every_position_has_an_entry() -> None:
    full = WeightGroup(0, np.ones(9, np.int32))
    assert encode_weights([full, full], inner=1, taps=9).zero_runs is None
    assert encode_weights([WeightGroup(0, np.zeros(9, np.int32), required=True)], inner=1, taps=9).zero_runs is None


def test_encoder_adds_no_more_padding_zeros_than_needed() -> None:
    sparse = np.zeros(200, np.int32)
    sparse[[10, 74, 75, 140]] = 1
    # 10 to 74 is one step of 64; 75 to 140 is 65 and needs a padding zero; 140 to the next pass's 10 is 70 and needs another.
    assert encode_weights([WeightGroup(0, sparse)], inner=200, taps=1).entries == 6


def test_encoder_makes_a_codebook_for_each_filter_type() -> None:
    groups = [WeightGroup(0, np.full(9, 5, np.int32)), WeightGroup(1, np.full(1, -3, np.int32))]
    assert encode_weights(groups, inner=1, taps=9).codebooks == ((5,), (-3,))


def test_encoder_numbers_symbols_by_frequency() -> None:
    weights = encode_weights([WeightGroup(0, np.array([1, 2, 2, 2, 3, 3], np.int32))], inner=6, taps=1)
    assert weights.codebooks == ((2, 3, 1),)
    assert weights.codes.lengths == (1, 2, 2)


@pytest.mark.parametrize(("size", "width"), [(64, 9), (65, 18), (256, 18)])
def test_encoder_chooses_the_word_width_for_the_codebook(size: int, width: int) -> None:
    weights = encode_weights([WeightGroup(0, np.arange(1, size + 1, dtype=np.int32))], inner=size, taps=1)
    assert weights.codes.width == width
    assert max(weights.codes.lengths) <= MAX_CODE_LENGTH[6 if width == 9 else 8]


@pytest.mark.parametrize("seed", range(8))
def test_stream_can_be_decoded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    symbols = np.sort(rng.geometric(0.3, 200) - 1).clip(0, 20)
    _, symbols = np.unique(symbols, return_inverse=True)
    counts = np.bincount(symbols)
    symbols = np.argsort(np.argsort(-counts, kind="stable"))[symbols]
    encoded = encode_stream(rng.permutation(symbols), int(rng.choice([6, 9, 12])))
    assert sorted(decode(encoded)) == sorted(symbols)
    assert encoded.bits <= len(encoded.words) * encoded.width < encoded.bits + encoded.width


@pytest.mark.parametrize("centroid", [0, 1, -1, 2, -2, 511, -512, 512, -513])
def test_centroid_bits_fit_the_largest_centroid_exactly(centroid: int) -> None:
    bits = encode_weights([WeightGroup(0, np.array([centroid], np.int32))], inner=1, taps=1).centroid_bits
    assert -(1 << (bits - 1)) <= centroid < 1 << (bits - 1)
    assert bits == 2 or not -(1 << (bits - 2)) <= centroid < 1 << (bits - 2)
