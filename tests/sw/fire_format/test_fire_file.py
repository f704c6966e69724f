# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`.fire` files: a round trip gives back the same model, and the same model gives the same bytes."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format import layer as fire_layer
from firebrick.sw.fire_format.file import MAGIC, decode_model, encode_model, read_fire, write_fire
from firebrick.sw.fire_format.metadata import write_description
from firebrick.sw.model.quantized import Model, Preprocessing, QuantizedLayer
from firebrick.sw.network.graph import Bypass, Conv, GlobalAverage, MaxPool, Network, Shape
from tests.helpers.random_models import random_model

SEEDS = st.integers(0, 2**32 - 1)
SAMPLE = random_model(np.random.default_rng(5), fires=2, height=9, width=9, kernel=3)
SAMPLE_BYTES = encode_model(SAMPLE)


def assert_same(first: Model, second: Model) -> None:
    for field in ("network", "preprocessing", "labels", "score_scale", "metadata", "zero_point"):
        assert getattr(first, field) == getattr(second, field)
    assert list(first.layers) == list(second.layers)
    for layer, other in zip(first.layers.values(), second.layers.values(), strict=True):
        for name in ("codes", "codebook", "bias"):
            np.testing.assert_array_equal(getattr(layer, name), getattr(other, name), strict=True)
        assert layer.shift == other.shift


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.sampled_from(list(Bypass)), st.booleans())
def test_fire_file_gives_back_every_model(seed: int, bypass: Bypass, signed: bool) -> None:
    model = random_model(np.random.default_rng(seed), bypass=bypass, signed=signed, any_pools=seed % 2 == 1)
    data = encode_model(model)
    other_pools = any(isinstance(stage, MaxPool) and stage != MaxPool(stage.name) for stage in model.network.stages)
    assert data[len(MAGIC)] == (2 if signed or other_pools else 1), "older releases read what they know, and refuse the rest by its version"
    read = decode_model(data)
    read.verify()
    assert_same(model, read)
    assert encode_model(read) == data


def test_fire_file_has_fields_of_pools_only_where_readers_of_before_must_refuse_them() -> None:
    """They require exactly the keys kind and name."""
    stages = (Conv("conv1", 2, 1), MaxPool("pool1"), MaxPool("pool1_2", 2, ceil=False), GlobalAverage("average"))
    description = write_description(random_model(np.random.default_rng(0), Network("pools", Shape(3, 9, 9), stages)))
    pools = [stage for stage in json.loads(description)["network"]["stages"] if stage["kind"] == "pool"]
    assert pools == [{"kind": "pool", "name": "pool1"}, {"kind": "pool", "name": "pool1_2", "kernel": 2, "ceil": False}]


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("density", [0.0, 0.001, 0.05, 0.4, 1.0])
def test_fire_file_layer_round_trip_at_every_width_and_density(bits: int, density: float) -> None:
    rng = np.random.default_rng(bits)
    (layer,) = Network("one", Shape(40, 9, 9), (Conv("conv1", 30, 3), GlobalAverage("pool"))).layers()
    codes = (rng.integers(1, 1 << bits, layer.weight_shape) * (rng.random(layer.weight_shape) < density)).astype(np.uint8)
    codebook = np.concatenate([[0], rng.integers(-2047, 2048, (1 << bits) - 1)]).astype(np.int32)
    bias = rng.integers(-(2**31) + 1, 2**31, 30)
    encoded = fire_layer.encode_layer(QuantizedLayer(codes, codebook, bias, 24))
    read, rest = fire_layer.decode_layer(memoryview(encoded.data + b"rest"), layer)
    assert bytes(rest) == b"rest"
    for written, decoded in ((codes, read.codes), (codebook, read.codebook), (bias, read.bias)):
        np.testing.assert_array_equal(written, decoded, strict=True)
    assert density == 0.4 or (encoded.run_bits == 0) == (density == 1.0)
    assert encoded.entropy_bits <= 8 * (len(encoded.codes) + len(encoded.zero_runs))


def test_fire_file_layer_splits_long_runs_with_padding_zeros() -> None:
    (layer,) = Network("one", Shape(1000, 1, 1), (Conv("conv1", 1, 1), GlobalAverage("pool"))).layers()
    codes = np.zeros(layer.weight_shape, np.uint8)
    codes.flat[[0, 1, 300, 999]] = 1
    encoded = fire_layer.encode_layer(QuantizedLayer(codes, np.array([0, 5], np.int32), np.zeros(1, np.int64), 0))
    assert encoded.entries > 4  # more than the non-zeros: an alphabet of 1000 runs would cost more than the padding zeros
    assert encoded.run_bits
    read, _ = fire_layer.decode_layer(memoryview(encoded.data), layer)
    np.testing.assert_array_equal(read.codes, codes)


def test_fire_file_uses_the_fewest_bits_for_biases_and_centroids() -> None:
    codes = np.ones((4, 2, 1, 1), np.uint8)
    small = fire_layer.encode_layer(QuantizedLayer(codes, np.array([0, -4], np.int32), np.array([0, 3, -4, 1]), 0))
    assert (small.codebook, small.biases) == (bytes([0b100_00000]), bytes([0b000_011_10, 0b0_001_0000]))


def test_fire_file_reads_and_writes_files(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "model.fire"
    write_fire(SAMPLE, path)
    assert path.read_bytes() == SAMPLE_BYTES
    assert [entry.name for entry in path.parent.iterdir()] == ["model.fire"]
    assert_same(read_fire(path), SAMPLE)


def test_fire_file_errors_name_the_file_and_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "model.fire"
    path.write_bytes(SAMPLE_BYTES[:-1])
    with pytest.raises(FirebrickError, match=r"model\.fire cannot be used: its checksum is wrong.*firebrick import"):
        read_fire(path)
    for missing in (tmp_path / "none.fire", tmp_path):
        with pytest.raises(FirebrickError, match="cannot read"):
            read_fire(missing)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score_scale": float("nan")}, "score_scale must be a positive number, not nan"),
        ({"labels": ("a",)}, "labels must be"),
        ({"metadata": {"key": b"bytes"}}, "cannot be written as JSON"),
        ({"metadata": {"key": "\ud800"}}, "cannot be written as JSON"),
        ({"metadata": {"key": "\x07"}}, "printable"),
        ({"layers": {}}, "layers must be those"),
    ],
)
def test_fire_file_does_not_write_an_unreadable_file(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=message):
        write_fire(dataclasses.replace(SAMPLE, **changes), tmp_path / "model.fire")
    assert not list(tmp_path.iterdir())


def test_fire_file_keeps_the_border_of_images() -> None:
    plain = random_model(np.random.default_rng(3), fires=1, height=9, width=9)
    model = replace(plain, preprocessing=Preprocessing(20, (123.0, 117.5, 104.0), (0, 1, 2, 1)))
    data = encode_model(model)
    assert data[len(MAGIC)] == 2, "older releases, which would classify images without their border, refuse it"
    read = decode_model(data)
    assert_same(model, read)
    assert read.preprocessing == model.preprocessing
    assert json.loads(write_description(model))["preprocessing"] == {"border": [0, 1, 2, 1], "mean": [123.0, 117.5, 104.0], "resize": 20}
    assert set(json.loads(write_description(plain))["preprocessing"]) == {"mean", "resize"}


@pytest.mark.parametrize(
    ("changes", "message"), [({"border": (5, 0, 4, 0)}, "must leave some"), ({"mean": (1e9, 0.0, 0.0)}, "the mean must be a colour")]
)
def test_fire_file_is_not_written_with_an_impossible_border(changes: dict[str, Any], message: str) -> None:
    model = random_model(np.random.default_rng(3), fires=1, height=9, width=9)
    with pytest.raises(FirebrickError, match=message):
        encode_model(replace(model, preprocessing=replace(Preprocessing(20, (1.0, 2.0, 3.0), (1, 1, 1, 1)), **changes)))
