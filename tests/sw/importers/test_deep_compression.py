# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The .net file of Deep Compression: every field, and files that lie."""

import csv
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.errors import FirebrickError
from firebrick.sw.importers import import_source
from firebrick.sw.importers.class_names import imagenet_class_names
from firebrick.sw.importers.deep_compression import parse_net
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape
from tests.helpers.paths import SHARED

OFFICIAL = SHARED / "models" / "compressed_SqueezeNet.net"
TINY = Network("tiny", Shape(3, 6, 6), (Conv("conv1", 4, 3), Conv("conv2", 5, 1), GlobalAverage("pool")))
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="needs the authors' file in ../shared/models")


def tiny_net(rng: np.random.Generator, density: float) -> tuple[bytes, dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """A file, and each layer's codes, codebook and biases; written entry by entry, unlike the reader."""
    counts, blocks, truth = [], [], {}
    for layer in TINY.layers():
        codes = np.where(rng.random(layer.weights) < density, rng.integers(1, 256, layer.weights), 0).astype(np.uint8)
        codebook = rng.standard_normal(256).astype("<f4")
        bias = rng.standard_normal(layer.conv.filters).astype("<f4")
        entries, nibbles, gap = [], [], 0
        for code in codes:
            if code or gap == 15:
                entries.append(int(code))
                nibbles.append(gap)
                gap = 0
            else:
                gap += 1
        packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], [*nibbles[1::2], 0][: len(nibbles[::2])], strict=True))
        counts.append(len(entries))
        blocks.append(codebook.tobytes() + bias.tobytes() + bytes(entries) + packed)
        truth[layer.name] = (codes.reshape(layer.weight_shape), codebook, bias)
    return struct.pack(f"<{len(counts)}I", *counts) + b"".join(blocks), truth


@pytest.mark.parametrize("density", [0.0, 0.01, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_net_gives_codes_codebooks_and_biases(density: float, seed: int) -> None:
    data, truth = tiny_net(np.random.default_rng(seed), density)
    coded, biases = parse_net(data, TINY, "it")
    for name, (codes, codebook, bias) in truth.items():
        np.testing.assert_array_equal(coded[name].codes, codes)
        np.testing.assert_array_equal(coded[name].codebook[1:], codebook[1:])
        assert coded[name].codebook[0] == 0
        np.testing.assert_array_equal(biases[name], bias)


def test_net_rejects_every_truncation_and_every_extension() -> None:
    data, _ = tiny_net(np.random.default_rng(0), 0.3)
    for length in [*range(0, len(data), 37), len(data) - 1]:
        with pytest.raises(FirebrickError, match=r"^it "):
            parse_net(data[:length], TINY, "it")
    with pytest.raises(FirebrickError, match="where its header promises"):
        parse_net(data + b"\0", TINY, "it")


def test_net_rejects_counts_that_lie() -> None:
    data, _ = tiny_net(np.random.default_rng(0), 0.3)
    for count in (0, 2**31, 2**32 - 1):
        with pytest.raises(FirebrickError, match="where its header promises"):
            parse_net(struct.pack("<I", count) + data[4:], TINY, "it")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("offset", [8, 8 + 4 * 100, 8 + 4 * 256])
def test_net_rejects_values_that_are_not_finite(offset: int, value: float) -> None:
    data, _ = tiny_net(np.random.default_rng(0), 0.3)
    with pytest.raises(FirebrickError, match="layer conv1: every centroid and bias must be finite"):
        parse_net(data[:offset] + struct.pack("<f", value) + data[offset + 4 :], TINY, "it")


def test_net_rejects_zero_runs_that_lead_past_the_layer() -> None:
    data, _ = tiny_net(np.random.default_rng(0), 1.0)
    count = TINY.layers()[0].weights
    runs = 8 + 4 * 256 + 4 * 4 + count
    with pytest.raises(FirebrickError, match="layer conv1: zero runs lead past the layer's 108 weights"):
        parse_net(data[:runs] + b"\xff" + data[runs + 1 :], TINY, "it")


@settings(deadline=None)
@given(st.binary(max_size=5000))
def test_net_of_noise_is_rejected(noise: bytes) -> None:
    with pytest.raises(FirebrickError):
        parse_net(noise, TINY, "it")


def test_net_rejects_a_folder_and_a_giant(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match="cannot be read"):
        import_source(str(tmp_path / "no.net"))
    folder = tmp_path / "folder.net"
    folder.mkdir()
    with pytest.raises(FirebrickError, match="cannot be read"):
        import_source(str(folder))
    giant = tmp_path / "giant.net"
    with giant.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(FirebrickError, match=r"cannot be a \.net file"):
        import_source(str(giant))


@needs_official
def test_official_net_has_the_papers_weights() -> None:
    model = import_source(str(OFFICIAL))
    assert sum(np.count_nonzero(weights) for weights in model.weights.values()) == 415_921
    assert model.metadata["source sha256"] == hashlib.sha256(OFFICIAL.read_bytes()).hexdigest()
    for name, coded in model.codebook_weights.items():
        np.testing.assert_array_equal(coded.values, model.weights[name])


def test_labels_are_those_of_ilsvrc_in_the_order_of_the_scores() -> None:
    table = SHARED / "data" / "imagenet_classes.csv"
    if not table.exists():
        pytest.skip("needs ../shared/data/imagenet_classes.csv")
    with table.open(newline="") as file:
        known = [row["label"] for row in csv.DictReader(file)]
    assert list(imagenet_class_names()) == known
