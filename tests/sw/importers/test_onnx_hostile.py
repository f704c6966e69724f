# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ONNX files that are damaged, inconsistent, or of another network: each gives one sentence that names the node."""

import random
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from firebrick.sw.errors import FirebrickError
from firebrick.sw.golden import floating
from firebrick.sw.importers.normalisation import Normalisation
from firebrick.sw.importers.onnx.graph import BYTES_MAX, NODES_MAX
from firebrick.sw.importers.onnx.importer import import_onnx, onnx_model
from firebrick.sw.model.frames import with_border
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from tests.helpers.onnx_files import FileStyle, file_with, model_proto, random_file, run_onnxruntime

NETWORK = Network(
    "small",
    Shape(3, 12, 12),
    (Conv("conv1", 6, 3), MaxPool("pool1"), Fire("fire2", 2, 3, 3, Bypass.SIMPLE), Conv("conv3", 4, 1), GlobalAverage("pool3")),
)
WHOLE = file_with(np.random.default_rng(0), FileStyle(), NETWORK)
DATA = WHOLE.SerializeToString()
Edit = Callable[[ModelProto], object]


def error_message(edit: Edit) -> str:
    """The error message for the small file after an edit; it must be one sentence."""
    model = ModelProto.FromString(DATA)
    edit(model)
    with pytest.raises(FirebrickError) as caught:
        onnx_model(model.SerializeToString(), "it.onnx")
    message = str(caught.value)
    assert message.startswith("it.onnx: ")
    assert "\n" not in message
    assert len(message) < 400
    return message


def node(model: ModelProto, operator: str) -> NodeProto:
    first: NodeProto = next(candidate for candidate in model.graph.node if candidate.op_type == operator)
    return first


def tensor(model: ModelProto, index: int = 0) -> TensorProto:
    initializer: TensorProto = model.graph.initializer[index]
    return initializer


def attribute(model: ModelProto, operator: str, name: str, value: object) -> None:
    """Set or replace an attribute of the first such node."""
    changed = node(model, operator)
    kept = [other for other in changed.attribute if other.name != name]
    del changed.attribute[:]
    changed.attribute.extend([*kept, helper.make_attribute(name, value)])


def weights(model: ModelProto, array: np.ndarray) -> None:
    tensor(model).CopyFrom(numpy_helper.from_array(array, tensor(model).name))


def insert(operator: str, after: str = "Relu", **attributes: Any) -> Edit:
    """Put a node behind the first one of another operator."""

    def edit(model: ModelProto) -> None:
        source = node(model, after).output[0]
        for reader in model.graph.node:
            reader.input[:] = ["new" if name == source else name for name in reader.input]
        model.graph.node.append(helper.make_node(operator, [source], ["new"], "the new one", **attributes))

    return edit


def cycle(model: ModelProto) -> None:
    node(model, "Conv").input[0] = node(model, "Add").output[0]


def external(model: ModelProto) -> None:
    weights_tensor = tensor(model)
    weights_tensor.data_location = TensorProto.EXTERNAL
    weights_tensor.external_data.add(key="location", value="/etc/passwd")
    weights_tensor.ClearField("raw_data")


def claimed_shape(*dims: int) -> Edit:
    def edit(model: ModelProto) -> None:
        tensor(model).dims[:] = dims

    return edit


def quantised_without_partner(model: ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array(0.1, np.float32), "scale"))
    insert("QuantizeLinear")(model)
    node(model, "QuantizeLinear").input.append("scale")


def deep_constant(model: ModelProto) -> None:
    name = node(model, "Conv").input[1]
    for index in range(30):
        model.graph.node.append(helper.make_node("Identity", [name], [f"deep{index}"]))
        name = f"deep{index}"
    node(model, "Conv").input[1] = name


def doubling_constant(model: ModelProto) -> None:
    """Twenty nodes, each of which evaluates the one before twice."""
    name = "scalar"
    model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), name))
    for index in range(19):
        model.graph.node.append(helper.make_node("DequantizeLinear", [name, name], [f"deep{index}"]))
        name = f"deep{index}"
    node(model, "Conv").input[1] = name


def second_output(model: ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, None))


def literal(name: str, value: Any) -> Edit:
    """Replace the first weights by a Constant node with this attribute."""

    def edit(model: ModelProto) -> None:
        model.graph.node.append(helper.make_node("Constant", [], ["literal"], "the literal", **{name: value}))
        node(model, "Conv").input[1] = "literal"

    return edit


def shaped_by(numbers: np.ndarray) -> Edit:
    """Reshape the scores to this constant."""

    def edit(model: ModelProto) -> None:
        insert("Reshape", "GlobalAveragePool")(model)
        model.graph.initializer.append(numpy_helper.from_array(numbers, "sides"))
        node(model, "Reshape").input.append("sides")

    return edit


def sparse(model: ModelProto) -> None:
    model.graph.sparse_initializer.add().values.CopyFrom(tensor(model))
    model.graph.initializer.pop(0)


def average_at_every_position(model: ModelProto) -> None:
    node(model, "GlobalAveragePool").op_type = "AveragePool"
    attribute(model, "AveragePool", "kernel_shape", [5, 5])
    attribute(model, "AveragePool", "auto_pad", "SAME_UPPER")


def first_pool(model: ModelProto) -> None:
    pool = helper.make_node("MaxPool", ["image"], ["new"], "the new one", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    model.graph.node.append(pool)
    node(model, "Conv").input[0] = "new"


def large(model: ModelProto) -> None:
    for side in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        side.dim_value = 5000


def training(model: ModelProto) -> None:
    insert("Dropout")(model)
    for name, value in (("ratio", np.array(0.5, np.float32)), ("on", np.array(True))):
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    node(model, "Dropout").input.extend(["ratio", "on"])


def mask(model: ModelProto) -> None:
    insert("Dropout")(model)
    node(model, "Dropout").output[:] = ["unused", "new"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            insert("Sigmoid"),
            "node 'the new one' (Sigmoid): this operator is not supported; supported are Add, AveragePool, BatchNormalization, Cast,",
        ),
        (insert("Relu", domain="com.acme"), "node 'the new one' (com.acme.Relu): this operator is not supported"),
        (insert("Add"), "node 'the new one' (Add): must have two inputs, not 1"),
        (insert("Flatten"), "node 'the new one' (Flatten): must come after the average over all positions"),
        (insert("MaxPool", kernel_shape=[2, 2]), "kernel [2, 2] and strides [1, 1] must be 3x3 and 2, or 2x2 and 2"),
        (insert("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1), "must come to the same as 3x3/2 or"),
        (insert("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 0, 1]), "must come to the same as 3x3/2 or"),
        (insert("MaxPool", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1]), "must come to the same as 2x2/2 or 2x2/2, rounded up"),
        (insert("MaxPool", kernel_shape=[2, 3], strides=[2, 2]), "kernel [2, 3] and strides [2, 2] must be"),
        (insert("MaxPool"), "attribute kernel_shape must be a list of whole numbers"),
        (insert("AveragePool", kernel_shape=[3, 3]), "kernel [3, 3] must be the whole map, 10x10x6"),
        (insert("ReduceMean", axes=[1]), "must be over all positions, axes 2 and 3, not [1]"),
        (insert("Reshape", "GlobalAveragePool", shape=[2, 2]), "shape [2, 2] must keep one axis of images and one of 4 classes"),
        (insert("GlobalAveragePool"), "must read feature maps, not the scores"),
        (insert("Softmax", "GlobalAveragePool", axis=2), "must go over the classes, axis 1, not 2"),
        (insert("Flatten", "GlobalAveragePool", axis=0), "axis must be 1"),
        (training, "node 'the new one' (Dropout): must not be in training mode"),
        (mask, "reads 'new', a second output that is not supported"),
        (quantised_without_partner, "must read feature maps, not integers between quantisers"),
        (cycle, "which depends on it; a graph must have no cycle"),
        (lambda model: node(model, "Conv").input.__setitem__(0, "gone"), "reads 'gone', which nothing computes"),
        (lambda model: model.graph.node.append(model.graph.node[0]), "every tensor must have one source"),
        (lambda model: model.graph.node.remove(node(model, "Relu")), "nothing computes"),
        (second_output, "must have one input and one output, not 1 and 2"),
        (lambda model: model.ClearField("opset_import"), "no complete ONNX file"),
        (lambda model: model.opset_import[0].__setattr__("domain", "com.acme"), "must use ONNX's own operators"),
        (lambda model: model.graph.node.extend([NodeProto()] * NODES_MAX), f"must have at most {NODES_MAX} nodes"),
        (lambda model: model.opset_import.add(version=12), "must use ONNX's own operators, of one version, not of 2"),
        (external, "node 'Conv.2' (Conv) reads tensor 'constant.1': its data lie in another file; save the model with its weights"),
        (sparse, "tensor 'constant.1': it is sparse; save the model with dense tensors"),
        (lambda model: model.graph.initializer.append(tensor(model)), "tensor 'constant.1': there are two of this name"),
        (lambda model: model.graph.initializer.pop(0), "node 'Conv.2' (Conv) reads 'constant.1', which nothing computes"),
        (lambda model: node(model, "Conv").attribute.append(node(model, "Conv").attribute[0]), "has two attributes of one name"),
        (lambda model: node(model, "Add").input.append(node(model, "Relu").output[0]), "(Add): must have at most 2 inputs, not 3"),
        (average_at_every_position, "(AveragePool): kernel [5, 5] must be the whole map, 5x5x4, without padding and dilation"),
        (literal("value_float", "text"), "node 'the literal' (Constant): attribute value_float must be floats"),
        (literal("value_int", float("inf")), "attribute value_int must be whole numbers"),
        (literal("value_ints", ["1"]), "attribute value_ints must be whole numbers"),
        (literal("value_string", "text"), "must hold a tensor or numbers"),
        (shaped_by(np.array([0, np.nan], np.float32)), "(Reshape): shape must be at most 64 whole numbers"),
        (shaped_by(np.zeros(10_000, np.int64)), "shape must be at most 64 whole numbers"),
        (lambda model: weights(model, np.ones((6, 3, 3, 3), np.complex64)), "must hold real numbers, not complex ones"),
        (claimed_shape(1 << 40, 3, 3, 3), "shape [1099511627776, 3, 3, 3] must have at most"),
        (claimed_shape(-6, 3, 3, 3), "must have at most"),
        (large, "a feature map must have at most 16777216 values, not 5000x5000x3"),
        (claimed_shape(6, 3, 3, 4), "its data do not fit its shape"),
        (claimed_shape(*[1] * 70), "its data do not fit its shape"),
        (claimed_shape(6, 27), "weights must have four axes, not 2"),
        (claimed_shape(6, 3, 9, 1), "square kernels are supported"),
        (claimed_shape(2, 9, 3, 3), "weights are for 9 channels, the input has 3"),
        (deep_constant, "a constant must be computed by at most 20 operators"),
        (doubling_constant, "all constants together must have at most"),
        (lambda model: weights(model, np.full((6, 3, 3, 3), np.nan, np.float32)), "weights and biases must be finite floats"),
        (lambda model: weights(model, np.full((6, 3, 3, 3), 1e300)), "weights and biases must be finite floats"),
        (lambda model: weights(model, np.ones((6, 3, 3, 3), np.int64)), "weights and biases must be finite floats"),
        (lambda model: weights(model, np.full((6, 3, 3, 3), "text", object)), "must hold numbers, not text"),
        (lambda model: weights(model, np.zeros((0, 3, 3, 3), np.float32)), "square kernels are supported"),
        (lambda model: attribute(model, "Conv", "group", 3), "must have one group and no dilation"),
        (lambda model: attribute(model, "Conv", "dilations", [2, 2]), "must have one group and no dilation"),
        (lambda model: attribute(model, "Conv", "strides", [1, 2]), "strides must be equal and positive"),
        (lambda model: attribute(model, "Conv", "strides", [0, 0]), "strides must be two positive numbers"),
        (lambda model: attribute(model, "Conv", "strides", 1.5), "attribute strides must be a list of whole numbers"),
        (lambda model: attribute(model, "Conv", "pads", [0, 0, 3, 3]), "padding must be the same on all sides, not [0, 0, 3, 3]"),
        (lambda model: attribute(model, "Conv", "pads", [-1, -1, -1, -1]), "must be four numbers that are not negative"),
        (lambda model: attribute(model, "Conv", "pads", [1]), "pads must be four numbers"),
        (lambda model: attribute(model, "Conv", "pads", [1 << 40] * 4), "node 'Conv.2' (Conv): padding must be less than the kernel, 3"),
        (lambda model: attribute(model, "Conv", "kernel_shape", [5, 5]), "kernel_shape must be that of the weights"),
        (lambda model: attribute(model, "Conv", "auto_pad", "SOMEHOW"), "auto_pad must be NOTSET"),
        (lambda model: attribute(model, "Concat", "axis", 2), "must join channels"),
        (lambda model: attribute(model, "MaxPool", "ceil_mode", 5), "ceil_mode must be 0 or 1, not 5"),
        (lambda model: weights(model, np.array(1.0, np.float32)), "weights must have four axes, not 0"),
        (lambda model: node(model, "Conv").__setattr__("op_type", "Co\nnv"), "('Co\\nnv')"),
        (lambda model: model.graph.input[0].type.tensor_type.shape.dim[1].__setattr__("dim_value", 4), "weights are for 3 channels"),
        (lambda model: model.graph.input[0].type.tensor_type.shape.dim[2].__setattr__("dim_value", 1 << 60), "must have sides from 1 to"),
        (lambda model: model.graph.input[0].type.tensor_type.shape.dim[2].__setattr__("dim_value", 2), "does not fit a map of 2x12x3"),
        (lambda model: model.graph.input[0].type.tensor_type.shape.dim.pop(), "must have four axes"),
        (lambda model: model.graph.input[0].type.tensor_type.__setattr__("elem_type", TensorProto.INT8), "must be floats or bytes (uint8)"),
        (lambda model: model.graph.output[0].__setattr__("name", node(model, "Add").output[0]), "(Add): the graph must end with"),
        (lambda model: model.graph.output[0].__setattr__("name", "image"), "must end with the average"),
    ],
)
def test_onnx_rejects(edit: Edit, message: str) -> None:
    assert message in error_message(edit)


def test_onnx_rejects_a_network_that_begins_with_a_pool() -> None:
    model = ModelProto.FromString(DATA)
    first_pool(model)
    with pytest.raises(FirebrickError, match=r"node 'the new one' \(MaxPool\): the first stage must be a convolution"):
        onnx_model(model.SerializeToString(), "it.onnx", Normalisation((0.0,) * 3, (1.0,) * 3))


def test_onnx_replaces_unprintable_characters_in_names() -> None:
    model = ModelProto.FromString(DATA)
    model.producer_name = "a\nb\u202e"
    imported = onnx_model(model.SerializeToString(), "we\nird\udcff.onnx")
    assert (imported.network.name, imported.metadata["name"]) == ("we?ird?", "we?ird?.onnx")
    assert "a?b?" in imported.metadata["source"]


def without(operator: str, index: int) -> ModelProto:
    """The small file without one node; nodes that read its output read its input instead."""
    model: ModelProto = ModelProto.FromString(DATA)
    removed = [candidate for candidate in model.graph.node if candidate.op_type == operator][index]
    model.graph.node.remove(removed)
    for reader in model.graph.node:
        reader.input[:] = [removed.input[0] if name == removed.output[0] else name for name in reader.input]
    return model


@pytest.mark.parametrize("index", range(4))
def test_onnx_rejects_every_missing_relu_but_the_last(index: int) -> None:
    with pytest.raises(FirebrickError, match="without a ReLU between; every convolution of the family has one"):
        onnx_model(without("Relu", index).SerializeToString(), "it.onnx")
    assert onnx_model(without("Relu", 4).SerializeToString(), "it.onnx").network.signed_scores


def test_onnx_rejects_a_concat_that_is_no_fire_module() -> None:
    model = ModelProto.FromString(DATA)
    node(model, "Concat").input[:] = [[relu.output[0] for relu in model.graph.node if relu.op_type == "Relu"][2]] * 2
    with pytest.raises(FirebrickError, match=r"\(Add\): must add a Fire module's input, or a 1x1 convolution of it"):
        onnx_model(model.SerializeToString(), "it.onnx")
    conv10 = [conv for conv in model.graph.node if conv.op_type == "Conv"][-1]
    conv10.input[0] = node(model, "Concat").output[0]
    with pytest.raises(FirebrickError, match=r"\(Concat\): must join a 1x1 and a padded 3x3 convolution"):
        onnx_model(model.SerializeToString(), "it.onnx")


def computed(*operators: tuple[str, list[Any], dict[str, Any]]) -> Edit:
    """Replace the first weights by what these operators make of them, each of the one before and of constants."""

    def edit(model: ModelProto) -> None:
        name = node(model, "Conv").input[1]
        for index, (operator, constants, attributes) in enumerate(operators):
            names = [name if constant is None else f"constant {index}.{position}" for position, constant in enumerate(constants)]
            for constant, constant_name in zip(constants, names, strict=True):
                if constant is not None:
                    model.graph.initializer.append(numpy_helper.from_array(np.asarray(constant), constant_name))
            name = f"computed {index}"
            model.graph.node.append(helper.make_node(operator, names, [name], name, **attributes))
        node(model, "Conv").input[1] = name

    return edit


HUGE = 1 << 40
TOO_MANY = "computes a constant of too many elements"
UNFIT = "its constant inputs do not fit together"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (computed(("ConstantOfShape", [[HUGE]], {})), TOO_MANY),
        (computed(("ConstantOfShape", [[1 << 12] * 20], {})), TOO_MANY),
        (computed(("ConstantOfShape", [[-1]], {})), UNFIT),
        (computed(("ConstantOfShape", [[1 << 12, 1 << 11]], {}), ("Add", [None, np.ones((1 << 10, 1, 1))], {})), "too many elements"),
        (computed(("Expand", [None, [HUGE, 1, 1, 1, 1]], {})), TOO_MANY),
        (computed(("Tile", [None, [HUGE, 1, 1, 1]], {})), TOO_MANY),
        (computed(("Tile", [None, [1 << 62, 1 << 62, 1 << 62, 1]], {})), TOO_MANY),
        (computed(("Range", [0, HUGE, 1], {})), TOO_MANY),
        (computed(("Range", [0.0, 1.0, 1e-300], {})), TOO_MANY),
        (computed(("Range", [0.0, 1.0, np.nan], {})), UNFIT),
        (computed(("Range", [0, 5, 0], {})), UNFIT),
        (computed(("Pad", [None, [0] * 7 + [HUGE]], {})), TOO_MANY),
        (computed(("Gather", [np.ones((2, 1 << 12)), np.zeros(1 << 12, int)], {})), TOO_MANY),
        (computed(("MatMul", [np.ones((1, 1 << 14)), np.ones((1 << 14, 1))], {}), ("MatMul", [np.ones((1 << 14, 1)), None], {})), TOO_MANY),
        (computed(("Slice", [None, np.zeros(1000, int), np.zeros(1000, int)], {})), "must be at most 64 whole numbers"),
        (computed(("Transpose", [None], {"perm": [0, 0, 1, 2]})), UNFIT),
        (computed(("Squeeze", [None, [7]], {})), UNFIT),
        (computed(("Div", [None, np.float32(0)], {})), "weights and biases must be finite floats"),
        (computed(*[("Mul", [None, None], {})] * 19), "all constants together must have at most"),
        (computed(("CumSum", [None, 0], {})), "this operator is not folded; export the file anew with constants folded"),
        (computed(("Einsum", [None], {"equation": "ijkl->ijkl"})), "this operator is not folded"),
    ],
)
def test_onnx_constants_cost_neither_time_nor_memory(edit: Edit, message: str) -> None:
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert message in error_message(edit)
    assert time.process_time() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 18  # KiB


OTHERS = ["Identity", "Dropout", "Softmax", "AveragePool", "Mul", "Sub", "Div", "Clip", "Transpose", "Squeeze", "Sum", "LogSoftmax"]


def mutate(model: ModelProto, draw: random.Random) -> None:
    """Make one random change that no exporter would make."""
    target = draw.choice(model.graph.node)
    names = [name for other in model.graph.node for name in other.output] + [constant.name for constant in model.graph.initializer]
    match draw.randrange(5):
        case 0 if target.input:
            target.input[draw.randrange(len(target.input))] = draw.choice([*names, "image", ""])
        case 1:
            target.op_type = draw.choice([other.op_type for other in model.graph.node] + OTHERS)
        case 2 if target.attribute:
            chosen = draw.choice(target.attribute)
            chosen.ints[:] = [draw.choice([value, 0, 1, 2, 3]) for value in chosen.ints]
            chosen.i = draw.choice([chosen.i, -1, 0, 1, 2, 5])
        case 3:
            model.graph.input[0].type.tensor_type.shape.dim[draw.randrange(1, 4)].dim_value = draw.randrange(16)
        case _:
            chosen = draw.choice(model.graph.initializer)
            chosen.dims[:] = draw.sample(list(chosen.dims), len(chosen.dims))


@pytest.mark.parametrize("seed", range(4))
def test_onnx_changed_at_random_is_rejected_or_scores_as_onnxruntime(seed: int) -> None:
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    imported = 0
    for _ in range(150):
        file, _ = random_file(rng, FileStyle(late_relu=draw.random() < 0.5, head=()), fires=1)
        for _ in range(draw.randint(1, 2)):
            mutate(file, draw)
        with suppress(FirebrickError):
            model = onnx_model(file.SerializeToString(), "it.onnx", Normalisation((128.0,) * 3, (64.0,) * 3))
            size = model.preprocessing.image_shape(model.network.input)
            image = rng.integers(0, 256, (1, 3, size.height, size.width), dtype=np.uint8)
            frame = with_border(image, model.preprocessing)
            try:
                expected = run_onnxruntime(file, ((image - 128.0) / 64).astype(np.float32))
            except Exception:  # onnxruntime rejects many of these, too
                continue
            if "changed" not in model.metadata:
                np.testing.assert_allclose(floating.run(model, frame), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max() + 1e-6)
                imported += 1
    assert imported > 20


@pytest.mark.parametrize("length", [*range(0, len(DATA), 61), len(DATA) - 1])
def test_onnx_cut_short_is_rejected(length: int) -> None:
    with pytest.raises(FirebrickError, match=r"^it.onnx: "):
        onnx_model(DATA[:length], "it.onnx")


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_onnx_with_flipped_bytes_is_rejected_or_a_model(flips: list[tuple[int, int]]) -> None:
    data = bytearray(DATA)
    for offset, value in flips:
        data[offset] = value
    with suppress(FirebrickError):
        onnx_model(bytes(data), "it.onnx").verify()


@settings(deadline=None)
@given(st.binary(max_size=2000))
@example(b"")
def test_onnx_of_noise_is_rejected(noise: bytes) -> None:
    with pytest.raises(FirebrickError):
        onnx_model(noise, "it.onnx")


def test_onnx_rejects_missing_and_too_large_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.onnx", tmp_path):
        with pytest.raises(FirebrickError, match="cannot be read"):
            import_onnx(path)
    giant = tmp_path / "giant.onnx"
    with giant.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(FirebrickError, match=f"must have at most {BYTES_MAX} bytes"):
        import_onnx(giant)


def test_onnx_chain_of_nodes_needs_no_deep_stack() -> None:
    name, nodes = "image", []
    for index in range(NODES_MAX - 10):
        nodes.append(helper.make_node("Identity", [name], [f"t{index}"]))
        name = f"t{index}"
    with pytest.raises(FirebrickError, match="must end with the average"):
        onnx_model(model_proto(nodes, [], NETWORK.input, name).SerializeToString(), "it.onnx")
