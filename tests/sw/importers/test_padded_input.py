# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Networks whose first convolution is padded: images get a border of the mean colour, and scores are onnxruntime's of the file."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

import onnxruntime
from onnx import ModelProto

from firebrick.sw import golden
from firebrick.sw.compression.compressor import compress
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.exporters.onnx_float import encode_float_onnx
from firebrick.sw.exporters.onnx_integer import export_onnx
from firebrick.sw.golden import floating
from firebrick.sw.importers.caffe.importer import caffe_model
from firebrick.sw.importers.normalisation import CAFFE, Normalisation
from firebrick.sw.importers.onnx.importer import onnx_model
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.frames import image_part, with_border
from firebrick.sw.model.padding_as_border import padding_as_border
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, Network, Shape
from tests.helpers.caffe_files import SMALL, CaffeWriter
from tests.helpers.float_models import distance, float_model, frames_of
from tests.helpers.float_models import paths as paths
from tests.helpers.onnx_files import FileStyle, random_file, run_onnxruntime

PADDED = Network(
    "padded",
    Shape(3, 21, 19),
    (Conv("conv1", 6, 3, stride=2, padding=1), Fire("fire2", 4, 5, 5), Conv("conv10", 7, 1), GlobalAverage("pool10")),
)
INTEGRAL = Normalisation((123.0, 117.0, 104.0), (58.0, 57.0, 59.0))
GREY = Normalisation((128.0, 128.0, 128.0), (64.0, 64.0, 64.0))
FRACTIONAL = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def padded_file(seed: int, sides: list[int], **overrides: Any) -> ModelProto:
    """A random file whose first convolution has these pads, at top, left, bottom and right."""
    rng = np.random.default_rng(seed)
    file, _ = random_file(rng, FileStyle(), **({"fires": 1, "height": 17, "width": 22, "kernel": 5, "stride": 2, "padding": 2} | overrides))
    first = next(node for node in file.graph.node if node.op_type == "Conv")
    next(one for one in first.attribute if one.name == "pads").ints[:] = sides
    return file


def random_images(model: FloatModel, count: int = 4) -> np.ndarray:
    shape = model.preprocessing.image_shape(model.network.input)
    return np.random.default_rng(3).integers(0, 256, (count, shape.channels, shape.height, shape.width), dtype=np.uint8)


def normalised(images: np.ndarray, normalisation: Normalisation) -> np.ndarray:
    mean, std = (np.array(numbers[: images.shape[1]])[:, None, None] for numbers in (normalisation.mean, normalisation.std))
    return np.asarray(((images - mean) / std).astype(np.float32))


@pytest.mark.parametrize("normalisation", [INTEGRAL, FRACTIONAL])
@pytest.mark.parametrize("sides", [[1, 1, 1, 1], [2, 2, 2, 2], [4, 4, 4, 4], [0, 1, 2, 3], [3, 0, 0, 1], [0, 0, 4, 4]])
def test_float_network_of_a_padded_file_scores_as_onnxruntime(sides: list[int], normalisation: Normalisation) -> None:
    file = padded_file(sum(sides), sides)
    model = onnx_model(file.SerializeToString(), "it.onnx", normalisation)
    assert list(model.preprocessing.border) == sides
    assert isinstance(model.network.stages[0], Conv)
    assert model.network.stages[0].padding == 0
    images = random_images(model)
    assert images.shape[2:] == (17, 22)
    expected = run_onnxruntime(file, normalised(images, normalisation))
    scores = floating.run(model, with_border(images, model.preprocessing))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(scores, expected, rtol=0, atol=2e-6 * float(np.abs(expected).max()))


@pytest.mark.parametrize(("channels", "normalisation"), [(3, INTEGRAL), (1, GREY)])
def test_bytes_of_the_border_are_exact_where_the_mean_is_integral(channels: int, normalisation: Normalisation) -> None:
    """Integer networks compute with the bytes: bytes minus the mean are then the zeros of the file, everywhere."""
    model = padding_as_border(padded_model(channels, normalisation.mean))
    images = random_images(model)
    frames = with_border(images, model.preprocessing)
    means = np.asarray(model.preprocessing.means(channels), np.float32)[:, None, None]
    np.testing.assert_array_equal(frames - means, floating.subtract_mean(model, frames, np.float32))
    assert "changed" not in model.metadata
    frames[0, 0, 0, 0] += 1
    assert np.abs(frames - means - floating.subtract_mean(model, frames, np.float32)).max() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("mean", [(123.675, 116.28, 103.53), (127.5, 127.5, 127.5), (0.4, 0.0, 200.25)])
def test_import_says_how_far_sums_are_off_where_the_mean_is_not_integral(mean: tuple[float, float, float]) -> None:
    for seed in range(5):
        file = padded_file(seed, [2, 2, 2, 2])
        model = onnx_model(file.SerializeToString(), "it.onnx", Normalisation(mean, (50.0, 60.0, 70.0)))
        note = re.search(r"colour \((\d+), (\d+), (\d+)\); .* up to (\S+) of 255 .* change by up to (\S+)$", model.metadata["changed"])
        assert note, model.metadata["changed"]
        assert tuple(map(int, note.groups()[:3])) == model.preprocessing.border_colour(3)
        levels, sums = float(note[4]), float(note[5])
        assert levels == pytest.approx(max(abs(round(value) - value) for value in mean), rel=0.1)
        frames = with_border(random_images(model), model.preprocessing)
        exact = floating.subtract_mean(model, frames, np.float64)
        real = frames - np.asarray(mean)[:, None, None]
        settings = {"stride": 2, "relu": False}
        differences = np.abs(
            floating.convolve(model, "conv1", real, **settings) - floating.convolve(model, "conv1", exact, **settings)  # type: ignore[arg-type]
        )
        assert 0.05 * sums < differences.max() <= 1.06 * sums  # two digits
        assert differences[:, :, 1:-1, 1:-1].max() < 1e-9


def padded_model(channels: int = 3, mean: tuple[float, float, float] = INTEGRAL.mean) -> FloatModel:
    source = float_model(replace(PADDED, input=replace(PADDED.input, channels=channels)))
    return replace(source, preprocessing=replace(source.preprocessing, mean=mean))


@pytest.mark.parametrize("mean", [INTEGRAL.mean, FRACTIONAL.mean])
def test_integer_network_of_a_padded_one_is_close_and_equals_its_onnx_file(paths: list[Path], mean: tuple[float, float, float]) -> None:
    source = padding_as_border(padded_model(mean=mean))
    model = compress(source, CompressionSettings(8), calibration=paths[:6])
    frames = frames_of(source, paths)
    assert frames.shape[2:] == (23, 21)
    assert distance(model, source, frames) < 0.01
    [scores] = onnxruntime.InferenceSession(export_onnx(model).SerializeToString()).run(None, {"frames": frames})
    np.testing.assert_array_equal(golden.run(model, frames), scores)


def test_a_border_of_black_instead_of_the_mean_would_be_far_off(paths: list[Path]) -> None:
    """The distance above tells borders apart."""
    source = padding_as_border(padded_model())
    model = compress(source, CompressionSettings(8), calibration=paths[:6])
    black = replace(model, preprocessing=replace(model.preprocessing, mean=(0.0, 0.0, 0.0)))
    frames = with_border(image_part(frames_of(source, paths), source.preprocessing), black.preprocessing)
    scores, expected = golden.run(black, frames) * model.score_scale, floating.run(source, frames_of(source, paths))
    assert ((scores - expected) ** 2).mean() / expected.var() > 0.02


def test_padding_becomes_a_border_without_changing_the_float_scores() -> None:
    plain = padded_model()
    bordered = padding_as_border(plain)
    images = random_images(plain)
    expected = floating.run(plain, images)
    np.testing.assert_allclose(
        floating.run(bordered, with_border(images, bordered.preprocessing)), expected, rtol=0, atol=1e-6 * np.abs(expected).max()
    )
    assert padding_as_border(bordered) is bordered
    black = padded_model(mean=(0.0, 0.0, 0.0))
    assert padding_as_border(black) is black, "zeros are black pixels, which hardware pads with"


@pytest.mark.parametrize("sides", [[1, 1, 1, 1], [0, 1, 2, 1]])
def test_float_file_pads_instead_of_the_border(sides: list[int]) -> None:
    model = onnx_model(padded_file(1, sides).SerializeToString(), "it.onnx", INTEGRAL)
    data = encode_float_onnx(model)
    images = random_images(model)
    expected = floating.run(model, with_border(images, model.preprocessing))
    means = np.asarray(INTEGRAL.mean, np.float32)[:, None, None]
    [scores] = onnxruntime.InferenceSession(data).run(None, {"frames": images - means})
    np.testing.assert_allclose(scores, expected, rtol=0, atol=2e-6 * np.abs(expected).max())
    again = onnx_model(data, "again.onnx")
    assert (again.preprocessing, again.network.stages) == (model.preprocessing, model.network.stages)
    other = onnx_model(data, "again.onnx", CAFFE)
    assert other.preprocessing == replace(model.preprocessing, resize=22, mean=CAFFE.mean)


def test_caffe_file_with_padding_of_its_own_for_rows_and_columns() -> None:
    """pad_h 1 and pad_w 2; Caffe's mean is integral."""
    network = replace(SMALL, stages=(Conv("conv1", 6, 3), *SMALL.stages[1:]))
    writer = CaffeWriter(0)
    plain = caffe_model(writer.network(network), "plain.caffemodel", size=(12, 13))
    padded = CaffeWriter(0)
    data = padded.network(network, conv1=b"\x48\x01\x50\x02")  # fields 9 and 10 of ConvolutionParameter
    model = caffe_model(data, "padded.caffemodel", size=(12, 13))
    assert model.preprocessing.border == (1, 2, 1, 2)
    assert (model.network.input.height, model.network.input.width) == (14, 17)
    images = random_images(model)
    zeros = np.pad(floating.subtract_mean(plain, images, np.float32), ((0, 0), (0, 0), (1, 1), (2, 2)))
    seen: dict[str, np.ndarray] = {}
    floating.run(model, with_border(images, model.preprocessing), lambda name, maps: seen.update({name: maps}))
    np.testing.assert_allclose(seen["conv1"], floating.convolve(plain, "conv1", zeros), rtol=1e-5, atol=1e-3)


def test_padding_that_the_stride_leaves_unused_is_no_border() -> None:
    file = padded_file(4, [0, 0, 1, 1], height=17, width=21, kernel=3, stride=2, padding=0)
    model = onnx_model(file.SerializeToString(), "it.onnx", INTEGRAL)
    assert not model.preprocessing.has_border
    assert (model.network.input.height, model.network.input.width) == (17, 21)
