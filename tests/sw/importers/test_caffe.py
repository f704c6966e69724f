# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Caffe models, written byte by byte: layers by name and type, BGR and mean, in-place and Split layers, and hostile files."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("google.protobuf", reason="needs the package protobuf")

from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.errors import FirebrickError
from firebrick.sw.importers import import_source
from firebrick.sw.importers.caffe.importer import caffe_model
from firebrick.sw.importers.normalisation import TORCH
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.network.graph import POOLS, LinearConv, MaxPool, Network, Shape
from firebrick.sw.network.presets import squeezenet1_0
from tests.helpers.caffe_files import SMALL, CaffeWriter, blob, field, layer, varint


def check(model: FloatModel, writer: CaffeWriter) -> None:
    for name, weights in model.weights.items():
        expected = writer.weights[name][:, ::-1] if name == "conv1" else writer.weights[name]
        np.testing.assert_array_equal(weights, expected)
        np.testing.assert_array_equal(model.biases[name], writer.biases[name])


@pytest.mark.parametrize("old", [False, True])
def test_caffe_gives_the_network_with_rgb_weights(old: bool) -> None:
    writer = CaffeWriter(0, old)
    model = caffe_model(writer.network(SMALL), "small.caffemodel", size=(12, 13))
    assert model.network == SMALL
    assert model.preprocessing.mean == (123.0, 117.0, 104.0)
    check(model, writer)


@pytest.mark.parametrize("settings", POOLS)
@pytest.mark.parametrize("pooled", [(8, 10), (9, 9)])
def test_caffe_gives_pools_of_every_kind(settings: tuple[int, int, bool], pooled: tuple[int, int]) -> None:
    """Some come to the same on maps of these sizes, and one of them is taken."""
    pool = MaxPool("pool1", *settings)
    network = replace(SMALL, input=Shape(3, *(length + 2 for length in pooled)), stages=(SMALL.stages[0], pool, *SMALL.stages[2:]))
    model = caffe_model(CaffeWriter(0).network(network), "small.caffemodel", size=(network.input.height, network.input.width))
    assert model.network.shapes() == network.shapes()
    found = model.network.stages[1]
    assert isinstance(found, MaxPool)
    assert (found.kernel, found.padding) == settings[:2]


def test_caffe_finds_squeezenet_v1_0_with_its_crop_and_mean() -> None:
    mean = b"".join(field(5, value) for value in (104.0, 117.0, 123.5))
    writer = CaffeWriter(1, transform=field(3, 227) + mean)
    network = squeezenet1_0(classes=20)
    data = writer.network(network)
    model = caffe_model(data, "squeezenet_v1.0.caffemodel")
    assert model.network.stages == network.stages
    assert model.network.input == network.input
    assert model.preprocessing.mean == (123.5, 117.0, 104.0)
    check(model, writer)


def test_caffe_leaves_the_padding_of_the_last_layer_out_and_reports_it() -> None:
    writer = CaffeWriter(2)
    model = caffe_model(writer.network(SMALL, conv10=field(3, 1)), "small.caffemodel", size=(12, 13))
    assert model.network == SMALL
    assert model.metadata["changed"] == "conv3 has no padding, as in the paper's Table 1; the file pads it by 1"


SIGNED = replace(SMALL, stages=(*SMALL.stages[:-2], LinearConv("conv3", 4, 1), SMALL.stages[-1]))


def test_caffe_takes_a_last_convolution_without_relu() -> None:
    writer = CaffeWriter(0)
    model = caffe_model(writer.network(SIGNED), "small.caffemodel", size=(12, 13))
    assert model.network == SIGNED
    check(model, writer)


def test_caffe_rejects_a_relu_that_cuts_scores_off() -> None:
    data = CaffeWriter(0).network(SIGNED) + layer("late", "ReLU", ["pool3"], ["pool3"])
    with pytest.raises(FirebrickError, match=r"layer 'late' \(ReLU\): cuts scores off; a ReLU must come before the average"):
        caffe_model(data, "it", size=(12, 13))
    caffe_model(DATA + layer("late", "ReLU", ["pool3"], ["pool3"]), "it", size=(12, 13))  # there it changes nothing


def test_caffe_scale_is_a_std() -> None:
    writer = CaffeWriter(3, transform=field(1, 0.0078125))
    model = caffe_model(writer.network(SMALL), "small.caffemodel")
    np.testing.assert_array_equal(model.weights["conv1"], writer.weights["conv1"][:, ::-1] / np.float32(128))
    assert (model.network.input.height, model.network.input.width) == (227, 227)
    assert caffe_model(writer.data, "small.caffemodel", TORCH).preprocessing.mean == TORCH.mean


def test_caffe_file_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "small.caffemodel"
    path.write_bytes(CaffeWriter(0).network(SMALL))
    assert import_source(str(path)).network.stages == SMALL.stages
    with pytest.raises(FirebrickError, match="cannot be read"):
        import_source(str(tmp_path / "gone.caffemodel"))


NAN = field(7, blob(np.full((6, 3, 3, 3), np.nan)))
SCALAR = field(7, field(7, field(1, b"")) + field(5, np.ones(1, "<f4").tobytes()))
ONES = field(7, blob(np.ones((6, 3, 3, 3))))
DATA = CaffeWriter(0).network(SMALL)
HEAD = field(1, "net") + layer("data", "Data", [], ["data"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "must have one average over all positions, not 0"),
        (field(2, field(4, "old")), "is of Caffe's old format"),
        (b"\xff" * 20, "no complete .caffemodel file"),
        (
            HEAD + layer("odd", "LRN", ["data"], ["x"]),
            "layer 'odd' (LRN): this type is not supported; supported are Accuracy, BatchNorm, Bias, Concat",
        ),
        (HEAD + layer("c", "Convolution", ["gone"], ["c"]), "layer 'c' (Convolution): reads 'gone', which no layer before it computes"),
        (HEAD + layer("c", "Convolution", [], ["c"]), "reads '', which no layer before it computes"),
        (HEAD + layer("c", "Convolution", ["data"], ["c"]), "must have weights and biases, not 0 blobs"),
        (HEAD + layer("c", "Convolution", ["data"], []), "has no output"),
        (HEAD + layer("c", "Convolution", ["data"], ["c"], SCALAR), "weights must have four axes, not 0"),
        (DATA + layer("c", "Convolution", ["pool3"], ["c"], ONES), "(Convolution): must not come after the average over all positions"),
        (HEAD + layer("c", "Convolution", ["data"], ["c"], NAN), "weights and biases must be finite"),
        (HEAD + layer("c", "Convolution", ["data"], ["c"], field(7, field(7, field(1, varint(1 << 40))))), "0 numbers do not fit"),
        (HEAD + layer("c", "Convolution", ["data"], ["c"], ONES + field(106, field(5, 3))), "must have one group"),
        (HEAD + layer("c", "Convolution", ["data"], ["c"], ONES + field(106, field(4, 5))), "must be that of the"),
        (HEAD + layer("p", "Pooling", ["data"], ["p"], field(121, field(1, 1) + field(2, 3))), "must be max pooling, or the average"),
        (HEAD + layer("p", "Pooling", ["data"], ["p"], field(121, field(2, 2) + field(3, 3))), "kernel [2, 2] and strides [3, 3] must be"),
        (
            HEAD + layer("p", "Pooling", ["data"], ["p"], field(121, field(2, 2) + field(3, 2) + field(4, 1))),
            "padding [1, 1, 1, 1] with ceil mode on a map of 227x227x3 must come to the same as 2x2/2 or 2x2/2, rounded up",
        ),
        (HEAD + layer("a", "Eltwise", ["data", "data"], ["a"], field(110, field(1, 2))), "must be a sum without coefficients"),
        (HEAD + layer("r", "ReLU", ["data"], ["data"], field(123, field(1, 0.5))), "negative_slope must be 0, not 0.5"),
        (HEAD + layer("k", "Concat", ["data"], ["k"], field(104, field(2, 2))), "must join channels"),
    ],
)
def test_caffe_rejects(data: bytes, message: str) -> None:
    with pytest.raises(FirebrickError) as caught:
        caffe_model(data, "it")
    assert str(caught.value).startswith("it: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [*range(0, len(DATA), 53), len(DATA) - 1])
def test_caffe_cut_short_is_rejected_or_ends_after_the_average(length: int) -> None:
    if length < DATA.index(b"\x0a\x04loss") - 10:
        with pytest.raises(FirebrickError, match=r"^it: "):
            caffe_model(DATA[:length], "it")


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_caffe_with_flipped_bytes_is_rejected_or_a_model(flips: list[tuple[int, int]]) -> None:
    data = bytearray(DATA)
    for offset, value in flips:
        data[offset] = value
    with suppress(FirebrickError):
        caffe_model(bytes(data), "it").verify()


def test_caffe_single_mean_value_is_for_all_channels() -> None:
    writer = CaffeWriter(4, transform=field(5, 127.5))
    assert caffe_model(writer.network(SMALL), "small.caffemodel").preprocessing.mean == (127.5, 127.5, 127.5)


def test_caffe_scale_without_a_mean_subtracts_none() -> None:
    writer = CaffeWriter(4, transform=field(1, 0.00390625))
    assert caffe_model(writer.network(SMALL), "small.caffemodel").preprocessing.mean == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (field(4, "/data/mean.binaryproto"), "the mean of its training images is in another file, '/data/mean.binaryproto'; give their"),
        (field(5, 1.0) * 2, "(Data): must have one mean_value or three, not 2"),
        (field(1, -1.0), "(Data): scale must be positive, not -1"),
    ],
)
def test_caffe_rejects_a_mean_that_it_cannot_know(transform: bytes, message: str) -> None:
    with pytest.raises(FirebrickError) as caught:
        caffe_model(CaffeWriter(4, transform=transform).network(SMALL), "it")
    assert message in str(caught.value)


def test_caffe_mean_file_is_replaced_by_the_mean_that_is_given() -> None:
    writer = CaffeWriter(4, transform=field(4, "mean.binaryproto"))
    assert caffe_model(writer.network(SMALL), "it", TORCH).preprocessing.mean == TORCH.mean


def test_caffe_power_layer_before_the_first_convolution_is_a_std() -> None:
    writer = CaffeWriter(5, transform=b"".join(field(5, value) for value in (104.0, 117.0, 123.0)))
    writer.data += layer("scale", "Power", ["data"], ["data"], field(122, field(2, 0.0125) + field(3, 0.5)))
    model = caffe_model(writer.network(SMALL), "it")
    np.testing.assert_allclose(model.weights["conv1"], writer.weights["conv1"][:, ::-1] * 0.0125, rtol=1e-6)
    # 0.0125 (byte - mean) + 0.5 = 0.0125 (byte - (mean - 40))
    np.testing.assert_allclose(model.preprocessing.mean, (83.0, 77.0, 64.0), rtol=1e-5)


@pytest.mark.parametrize("given_by", ["Input", "Data"])
def test_caffe_grey_network_takes_grey_images(given_by: str) -> None:
    grey = Network("small", Shape(1, 12, 13), SMALL.stages)
    writer = CaffeWriter(6)
    if given_by == "Input":
        sides = b"".join(field(1, side) for side in (1, 1, 12, 13))
        writer.data = field(1, "net") + layer("data", "Input", [], ["data"], field(143, field(1, sides)))
    model = caffe_model(writer.network(grey), "it", size=(12, 13))
    assert model.network.input == Shape(1, 12, 13)
    np.testing.assert_array_equal(model.weights["conv1"], writer.weights["conv1"])


class NormalisingWriter(CaffeWriter):
    """Writes BatchNorm and Scale between each convolution and its ReLU, as Caffe's users train them."""

    def conv(self, name: str, source: str, shape: tuple[int, ...], settings: bytes = b"", relu: bool = True) -> str:
        weights = self.rng.standard_normal(shape).astype(np.float32)
        mean, gamma, beta = self.rng.standard_normal((3, shape[0])).astype(np.float32)
        variance = self.rng.uniform(0.5, 2, shape[0]).astype(np.float32)
        factor = np.float32(3.5)  # Caffe keeps sums over a moving window, and this is their weight
        self.data += layer(
            name, "Convolution", [source], [name], field(7, blob(weights)) + field(106, field(4, shape[2]) + field(5, 1) + settings)
        )
        statistics = b"".join(field(7, blob(numbers)) for numbers in (mean * factor, variance * factor, np.array([factor])))
        self.data += layer(f"bn_{name}", "BatchNorm", [name], [name], statistics + field(139, field(3, 0.25)))
        self.data += layer(f"scale_{name}", "Scale", [name], [name], field(7, blob(gamma)) + field(7, blob(beta)) + field(142, field(4, 1)))
        if relu:
            self.data += layer(f"relu_{name}", "ReLU", [name], [name])
        deviation = np.sqrt(variance.astype(np.float64) + 0.25)
        self.weights[name] = weights * (gamma / deviation)[:, None, None, None]
        self.biases[name] = beta - mean * gamma / deviation
        return name


@pytest.mark.parametrize("network", [SMALL, SIGNED])
def test_caffe_batch_norm_and_scale_become_weights_and_biases(network: Network) -> None:
    writer = NormalisingWriter(7)
    model = caffe_model(writer.network(network), "it", size=(12, 13))
    assert model.network.stages == network.stages
    for name, weights in model.weights.items():
        expected = writer.weights[name][:, ::-1] if name == "conv1" else writer.weights[name]
        np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.biases[name], writer.biases[name], rtol=1e-5, atol=1e-5)
