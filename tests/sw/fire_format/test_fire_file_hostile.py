# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Damaged and hostile `.fire` files are rejected with one line of text, quickly and in little memory."""

import dataclasses
import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format import layer as fire_layer
from firebrick.sw.fire_format.file import BYTES_MAX, DESCRIPTION_MAX, MAGIC, decode_model, encode_description, encode_model
from firebrick.sw.model.quantized import Model, QuantizedLayer
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape
from tests.helpers.random_models import random_model

HEAD = struct.Struct("<8sHI")
SAMPLE = random_model(np.random.default_rng(5), fires=2, height=9, width=9, kernel=3)
SAMPLE_BYTES = encode_model(SAMPLE)
LAYERS_AT = len(encode_description(SAMPLE))
HUGE = {"kind": "conv", "name": "a", "filters": 65535, "kernel": 9, "stride": 1, "padding": 0}


def seal(data: bytes) -> bytes:
    """The bytes followed by their checksum."""
    return data + struct.pack("<I", zlib.crc32(data))


def with_description(change: Callable[[dict[str, Any]], None] | bytes, model: Model = SAMPLE) -> bytes:
    """A file with a changed or replaced description and a correct checksum."""
    data, start = encode_model(model), len(encode_description(model))
    text = zlib.decompress(data[HEAD.size : start])
    if callable(change):
        tree = json.loads(text)
        change(tree)
        text = json.dumps(tree).encode()
    else:
        text = change
    packed = zlib.compress(text)
    return seal(HEAD.pack(MAGIC, 1, len(packed)) + packed + data[start:-4])


def assert_rejected_or_valid(data: bytes) -> None:
    """Reading the bytes must give a verified model or an error of one line."""
    message = "?"
    try:
        decode_model(data).verify()
    except FirebrickError as error:
        message = str(error)
    assert message
    assert message.isprintable()


def test_fire_file_rejects_every_truncation_and_every_flipped_bit() -> None:
    for length in range(0, len(SAMPLE_BYTES), 7):
        with pytest.raises(FirebrickError):
            decode_model(SAMPLE_BYTES[:length])
    for bit in range(0, 8 * len(SAMPLE_BYTES), 61):
        damaged = bytearray(SAMPLE_BYTES)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FirebrickError):
            decode_model(bytes(damaged))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_fire_file_damage_with_a_correct_checksum_is_rejected_or_valid(data: st.DataObject) -> None:
    damaged = bytearray(SAMPLE_BYTES[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(HEAD.size - 4, len(damaged) - 1) | st.integers(LAYERS_AT, LAYERS_AT + 40))
        damaged[index] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(len(damaged) - 40, len(damaged))) :]
    assert_rejected_or_valid(seal(bytes(damaged)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=3,
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_fire_file_strange_descriptions_are_rejected_or_valid(data: st.DataObject) -> None:
    def change(tree: Any) -> None:
        """Replace one value somewhere in the tree."""
        while True:
            keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
            key = data.draw(st.sampled_from(keys))
            if isinstance(tree[key], dict | list) and tree[key] and data.draw(st.booleans()):
                tree = tree[key]
                continue
            tree[key] = data.draw(JSON | st.integers(0, 100000))
            return

    assert_rejected_or_valid(with_description(change))


def deep(tree: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at: Any = tree
    for part in parents:
        at = at[part]
    at[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("score_scale", float("nan"), "not JSON"),
        ("score_scale", float("inf"), "not JSON"),
        ("score_scale", 0, "score_scale must be a positive number"),
        ("score_scale", True, "score_scale must be a finite number"),
        ("labels", ["a"], "one a class"),
        ("labels.0", "\x1b[2Jgone", "labels, item 0 must be printable"),
        ("labels.0", "\ud800", "labels, item 0 must be printable"),
        ("labels.0", 3, "labels, item 0 must be printable"),
        ("metadata", [], "metadata must be a table"),
        ("metadata.key", {}, "metadata 'key' must be printable"),
        ("network.input.height", 65536, "input height must be an integer from 0 to 65535"),
        ("network.input.height", 9.0, "input height must be an integer"),
        ("network.input.height", 0, "input shape must be positive"),
        ("network.stages", [HUGE, {"kind": "average", "name": "b"}], "at most 8388608 weights, not 15925005"),
        ("network.stages.0.filters", 65535, "conv1 is damaged: entries must be"),
        ("network.stages.0.filters", -1, "integer from 0"),
        ("network.stages.0.kind", "lstm", "of a kind among conv"),
        ("network.stages.0.kind", [], "of a kind among conv"),
        ("network.stages.0.name", "a/b", "begin with a letter, not 'a/b'"),
        ("network.stages.0.name", "x y", "begin with a letter, not 'x y'"),
        ("network.stages.0.name", "serializer_1", "the name 'serializer_1' is that of something else in the hardware"),
        ("network.stages.0.name", "fire2_squeeze", "'fire2_squeeze' has the name of a part of the Fire module 'fire2'"),
        ("network.stages.0.stride", 1000, "kernel and stride must be at most 31"),
        ("preprocessing.resize", 8193, "short side before the crop must be 1 to 8192 pixels"),
        ("network.stages.0.extra", 1, "a table with the keys"),
        ("network.stages", [], "global average"),
        ("network.stages", [{}] * 257, "at most 256"),
        ("preprocessing.mean", [1, 2], "mean must be 3"),
        ("preprocessing.border", [0, 0, 0, 0], "border must be 4 numbers of pixels, .* or left out where there is none"),
        ("preprocessing.border", [1, 1, 1], "border must be 4 numbers of pixels"),
        ("preprocessing.border", [1, 1, 1, 1, 1], "border must be a list of at most 4"),
        ("preprocessing.border", 1, "border must be a list of at most 4"),
        ("preprocessing.border", [0, 0, 0, -1], "border, item 3 must be an integer from 0"),
        ("preprocessing.border", [0, 0, 0, 1.0], "border, item 3 must be an integer from 0"),
        ("preprocessing.border", [0, 0, 0, 65536], "border, item 3 must be an integer from 0 to 65535"),
        ("preprocessing.border", [0, 0, 0, 1], "version must be 2, not 1, for its network and images"),
        ("preprocessing.resize", None, "resize must be an integer"),
        ("unknown", 1, "description must be a table with the keys"),
    ],
)
def test_fire_file_rejects_an_inconsistent_description(path: str, value: Any, message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        decode_model(with_description(lambda tree: deep(tree, path, value)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kernel": 3}, "kernel must be left out where it is 3"),
        ({"ceil": True}, "ceil must be left out where it is true"),
        ({"ceil": 0}, "ceil must be true or false"),
        ({"kernel": True}, "kernel must be an integer"),
        ({"kernel": 7}, "stage pool1: a pool must be 3x3/2 or .*, not 7x7/2"),
        ({"padding": 1}, "stage pool1: a pool must be 3x3/2 or .*, not 3x3/2, padding 1, rounded up"),
        ({"dilation": 2}, "a table with the keys"),
    ],
)
def test_fire_file_rejects_unknown_pools(fields: dict[str, Any], message: str) -> None:
    def change(tree: dict[str, Any]) -> None:
        tree["network"]["stages"][1:1] = [{"kind": "pool", "name": "pool1", **fields}]

    with pytest.raises(FirebrickError, match=message):
        decode_model(with_description(change))


def test_fire_file_rejects_an_unknown_bypass() -> None:
    def change(tree: dict[str, Any]) -> None:
        next(stage for stage in tree["network"]["stages"] if stage["kind"] == "fire")["bypass"] = "tunnel"

    with pytest.raises(FirebrickError, match="bypass must be one of none, simple, complex"):
        decode_model(with_description(change))


@pytest.mark.parametrize("text", [b"", b"\xff", b"[" * 100000, b"{", b"1" * 5000, b"[]", b"null"])
def test_fire_file_rejects_text_that_is_no_description(text: bytes) -> None:
    with pytest.raises(FirebrickError, match="description"):
        decode_model(with_description(text))


def test_fire_file_rejects_a_zero_point_that_does_not_fit() -> None:
    for zero_point in (0, 256, -1, 1.5, True, None, "77"):
        with pytest.raises(FirebrickError, match="zero_point must be"):
            decode_model(with_description(lambda tree: tree.update(zero_point=zero_point)))  # noqa: B023 - called at once
    with pytest.raises(FirebrickError, match="zero_point must be 0, as the last convolution has a ReLU, not 77"):
        decode_model(with_description(lambda tree: tree.update(zero_point=77)))


def test_fire_file_of_signed_scores_has_version_2() -> None:
    signed = encode_model(random_model(np.random.default_rng(5), fires=0, signed=True))
    assert decode_model(signed).zero_point > 0
    for data, wrong in ((signed, 1), (SAMPLE_BYTES, 2)):
        with pytest.raises(FirebrickError, match=f"version must be {3 - wrong}, not {wrong}, for its network"):
            decode_model(seal(data[: len(MAGIC)] + wrong.to_bytes(2, "little") + data[len(MAGIC) + 2 : -4]))


def test_fire_file_rejects_a_convolution_without_relu_before_others() -> None:
    with pytest.raises(FirebrickError, match="stage conv1: only the convolution directly before the global average may be without a ReLU"):
        decode_model(with_description(lambda tree: tree["network"]["stages"][0].update(kind="linear_conv")))


def test_fire_file_rejects_damaged_frames_around_the_description() -> None:
    bomb = zlib.compress(b" " * (DESCRIPTION_MAX + 1))
    start = LAYERS_AT
    for data, message in (
        (b"", "first bytes"),
        (b"PK" + SAMPLE_BYTES, "first bytes"),
        (MAGIC, "too small"),
        (SAMPLE_BYTES + bytes(BYTES_MAX), "at most"),
        (seal(HEAD.pack(MAGIC, 3, 0)), "version must be 1 or 2, not 3"),
        (SAMPLE_BYTES[:-1] + b"?", "checksum"),
        (seal(HEAD.pack(MAGIC, 1, 2**32 - 1)), "longer than the file"),
        (seal(HEAD.pack(MAGIC, 1, 4) + b"zlib"), "compressed"),
        (seal(HEAD.pack(MAGIC, 1, len(bomb)) + bomb), "has more than"),
        (seal(SAMPLE_BYTES[:start]), "layer conv1 is damaged: the file ends"),
        (seal(SAMPLE_BYTES[:-4] + b"more"), "4 bytes that do not belong"),
    ):
        with pytest.raises(FirebrickError, match=message):
            decode_model(data)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (0, 0, "codebook bits must be 1 to 8, not 0"),
        (0, 9, "codebook bits must be 1 to 8, not 9"),
        (1, 25, "shift must be 0 to 24"),
        (2, 13, "centroid bits"),
        (3, 33, "bias bits"),
        (4, 9, "run bits"),
        (5, 2**32 - 1, "entries must be 0 to"),
        (6, 2**32 - 1, "ends in the middle"),
        (7, 2**32 - 1, "ends in the middle"),
    ],
)
def test_fire_file_rejects_an_inconsistent_layer_header(field: int, value: int, message: str) -> None:
    model = random_model(np.random.default_rng(3), density=0.2, fires=0, filters=30, kernel=3)
    data, start = encode_model(model), len(encode_description(model))
    numbers = list(fire_layer.HEADER.unpack_from(data, start))
    assert numbers[4], "the layer must be sparse for this test"
    numbers[field] = value
    damaged = data[:start] + fire_layer.HEADER.pack(*numbers) + data[start + fire_layer.HEADER.size : -4]
    with pytest.raises(FirebrickError, match=message):
        decode_model(seal(damaged))


def test_fire_file_rejects_zero_runs_past_the_last_weight() -> None:
    wide, narrow = (Network("n", Shape(n, 1, 1), (Conv("conv1", 1, 1), GlobalAverage("p"))).layers()[0] for n in (90, 80))
    codes = np.zeros(wide.weight_shape, np.uint8)
    codes.flat[89] = 1
    encoded = fire_layer.encode_layer(QuantizedLayer(codes, np.array([0, 5], np.int32), np.zeros(1, np.int64), 0))
    with pytest.raises(FirebrickError, match="past the last of 80"):
        fire_layer.decode_layer(memoryview(encoded.data), narrow)


def test_fire_file_large_counts_cost_little_memory() -> None:
    def change(tree: dict[str, Any]) -> None:
        tree["network"]["stages"][0] |= {"filters": 65535, "kernel": 9}
        tree["network"]["input"] |= {"height": 65535, "width": 65535}

    data = with_description(change)
    tracemalloc.start()
    try:
        with pytest.raises(FirebrickError):
            decode_model(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_fire_file_rejects_data_behind_the_compressed_description() -> None:
    packed = zlib.compress(b"{}") + b"hidden"
    with pytest.raises(FirebrickError, match="does not end where it should"):
        decode_model(seal(HEAD.pack(MAGIC, 1, len(packed)) + packed))


@pytest.mark.parametrize(
    ("part", "replacement", "message"),
    [
        ("codebook", b"\x51", "bits after a part must be 0"),  # 3 centroids of 2 bits, then 2 bits that are not 0
        ("biases", b"\x11", "bits after a part must be 0"),  # 1 bias of 4 bits
        ("tables", b"\x0d\xdd", "codes: Huffman words must have at most 12 bits, not 13"),
        ("tables", b"\x01\x11", "codes: code lengths ask for more words"),
        ("codes", b"\x0b\x81", "codes: 9 symbols do not fill their 2 bytes"),  # 12 bits of words, then bits that are not all 0
        ("codes", b"\x55\x54\x00", "codes: 9 symbols do not fill their 3 bytes"),
        ("codes", b"\xff\xff", "codes: the stream of 16 bits ends before"),
        ("zero_runs", b"\x00", "a dense layer must not have zero runs"),
    ],
)
def test_fire_file_rejects_inconsistent_layers(part: str, replacement: bytes, message: str) -> None:
    (layer,) = Network("one", Shape(9, 1, 1), (Conv("conv1", 1, 1), GlobalAverage("pool"))).layers()
    codes = np.array([1, 1, 1, 1, 2, 2, 3, 3, 3], np.uint8).reshape(layer.weight_shape)
    valid = fire_layer.encode_layer(QuantizedLayer(codes, np.array([0, 1, -1, 1], np.int32), np.array([7]), 0))
    assert (valid.run_bits, len(valid.codebook), len(valid.biases), len(valid.tables), len(valid.codes)) == (0, 1, 1, 2, 2)
    change: dict[str, Any] = {part: replacement}
    damaged = dataclasses.replace(valid, **change)
    numbers = list(fire_layer.HEADER.unpack(valid.header))
    numbers[-2:] = len(damaged.codes), len(damaged.zero_runs)
    data = fire_layer.HEADER.pack(*numbers) + damaged.data[fire_layer.HEADER.size :]
    with pytest.raises(FirebrickError, match=message):
        fire_layer.decode_layer(memoryview(data), layer)


def test_reading_a_small_file_of_a_huge_network_takes_little_memory() -> None:
    def change(tree: dict[str, Any]) -> None:
        tree["network"]["input"] |= {"height": 30000, "width": 30000}

    data = with_description(change)
    tracemalloc.start()
    with pytest.raises(FirebrickError, match="a feature map must have at most 16777216 values"):
        decode_model(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
