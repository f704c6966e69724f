# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ONNX and Caffe files changed field by field to values of any type: each gives a verified network or one short sentence, no warning."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.helpers.caffe_files import SMALL, CaffeWriter

pytest.importorskip("onnx", reason="needs the package onnx")

from google.protobuf.descriptor import FieldDescriptor
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from firebrick.sw.errors import FirebrickError
from firebrick.sw.importers.caffe.importer import caffe_model
from firebrick.sw.importers.caffe.proto import net_class
from firebrick.sw.importers.onnx.folding import COSTS
from firebrick.sw.importers.onnx.importer import onnx_model
from firebrick.sw.importers.onnx.operators import OPERATORS
from firebrick.sw.model.float_model import FloatModel
from tests.helpers.onnx_files import FileStyle, random_file

INTEGERS = (-(1 << 63), -(1 << 31), -1, 0, 1, 2, 3, 4, 5, 65535, 65536, (1 << 31) - 1, 1 << 40, (1 << 63) - 1)
FLOATS = (0.0, 1.0, -1.0, 2.0, 3.5, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", "x" * 500, "\n", "SAME_UPPER", "SAME_LOWER", "VALID", "image", "data", "conv1", "pool3", "Convolution", "Pooling", "ReLU")
DATA_TYPES = [data_type for data_type in TensorProto.DataType.values() if data_type]
FOLDED = ("Cast", "Constant", "DequantizeLinear", "Identity", "Quant", "QuantizeLinear", "Reshape", "Shape", "Size", *COSTS)
ATTRIBUTES = (
    *("allowzero", "auto_pad", "axes", "axis", "block_size", "ceil_mode", "dilations", "group", "keepdims", "kernel_shape", "output_dtype"),
    *("pads", "shape", "strides", "to", "value", "value_float", "value_floats", "value_int", "value_ints", "value_string"),
    *(
        "axes",
        "bits",
        "end",
        "epsilon",
        "fmod",
        "max",
        "min",
        "mode",
        "narrow",
        "perm",
        "rounding_mode",
        "signed",
        "start",
        "training_mode",
    ),
)


def is_accepted(read: Callable[[], FloatModel]) -> bool:
    """Whether a network is read; otherwise, the error message must be one short sentence."""
    message = ""
    try:
        read().verify()
    except FirebrickError as problem:
        message = str(problem)
    assert "\n" not in message
    assert len(message) < 500
    return not message


def random_tensor(draw: random.Random, name: str = "") -> TensorProto:
    if draw.random() < 0.4:
        sides = [draw.choice([-1, 0, 1, 2, 3, 1 << 40]) for _ in range(draw.randrange(5))]
        return TensorProto(name=name, data_type=draw.choice(DATA_TYPES), dims=sides, raw_data=draw.randbytes(draw.randrange(40)))
    if draw.random() < 0.5:
        numbers = np.array([draw.choice(FLOATS) for _ in range(draw.randrange(5))], draw.choice(["f4", "f8", "c8", "c16"]))
        return numpy_helper.from_array(numbers, name)
    return numpy_helper.from_array(np.array([draw.choice(INTEGERS) for _ in range(draw.randrange(4))], np.int64), name)


def random_attribute(draw: random.Random, name: str) -> AttributeProto:
    values: list[Any] = [
        draw.choice(INTEGERS),
        draw.choice(FLOATS),
        draw.choice(TEXTS),
        random_tensor(draw),
        [draw.choice(INTEGERS) for _ in range(draw.randrange(1, 6))],
        [draw.choice(FLOATS) for _ in range(draw.randrange(1, 4))],
        [draw.choice(TEXTS)],
    ]
    if draw.random() < 0.1:
        return AttributeProto(name=name, type=draw.choice(AttributeProto.AttributeType.values()))
    return helper.make_attribute(name, draw.choice(values))


def set_operator(node: NodeProto, operator: str) -> None:
    """Give a node an operator of any domain."""
    domain, _, node.op_type = operator.rpartition(".")
    node.domain = "qonnx.custom_op.general" if operator == "Quant" else domain


def change_onnx(model: ModelProto, draw: random.Random) -> None:
    """Change one thing of a graph: a name, an operator, an attribute, a constant, the input, a property."""
    graph = model.graph
    node, tensor = draw.choice(graph.node), draw.choice(graph.initializer)
    names = [*(name for other in graph.node for name in other.output), *(constant.name for constant in graph.initializer), "image", ""]
    match draw.randrange(12):
        case 0:
            node.input[draw.randrange(len(node.input) + 1) :] = [draw.choice(names)]
        case 1:
            set_operator(node, draw.choice([*OPERATORS, *FOLDED]))
        case 2:
            node.attribute.append(random_attribute(draw, draw.choice(ATTRIBUTES)))
        case 3 if node.attribute:
            chosen = draw.choice(node.attribute)
            chosen.CopyFrom(random_attribute(draw, chosen.name))
        case 4:
            tensor.CopyFrom(random_tensor(draw, tensor.name))
        case 5:
            tensor.data_type = draw.choice(DATA_TYPES)
        case 6 if tensor.dims:
            tensor.dims[draw.randrange(len(tensor.dims))] = draw.choice(INTEGERS)
        case 7:
            graph.initializer.append(tensor)
        case 8:
            graph.initializer.remove(tensor)
        case 9:
            graph.input[0].type.tensor_type.shape.dim[draw.randrange(4)].dim_value = draw.choice(INTEGERS)
        case 10:
            model.producer_name = draw.choice(TEXTS)
            metadata = ["", "[]", "{}", '{"mean": [1, 2, 3], "labels": [], "resize": 1e9}']
            model.metadata_props.add(key="firebrick", value=draw.choice(metadata))
        case _:
            new_node = helper.make_node("", [draw.choice(names) for _ in range(draw.randrange(4))], [f"new {len(names)}"])
            set_operator(new_node, draw.choice(FOLDED))
            new_node.attribute.extend(random_attribute(draw, draw.choice(ATTRIBUTES)) for _ in range(draw.randrange(3)))
            graph.node.append(new_node)
            node.input[draw.randrange(len(node.input) + 1) :] = new_node.output


@pytest.mark.parametrize("seed", range(8))
def test_onnx_changed_in_any_field_gives_a_network_or_an_error(seed: int) -> None:
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    style = FileStyle(weights=draw.choice(["float", "gather", "quantised", "half"]), quantised=draw.random() < 0.5, opset=18)
    file, _ = random_file(rng, style, fires=1)
    accepted = 0
    for _ in range(80):
        changed = ModelProto.FromString(file.SerializeToString())
        for _ in range(draw.randint(1, 3)):
            change_onnx(changed, draw)
        data = changed.SerializeToString()
        accepted += is_accepted(lambda data=data: onnx_model(data, "it.onnx"))  # type: ignore[misc]
    assert 0 < accepted < 80


def random_value(draw: random.Random, field: FieldDescriptor) -> int | float | str:
    if field.type == FieldDescriptor.TYPE_STRING:
        return draw.choice(TEXTS)
    if field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return draw.choice(FLOATS)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return draw.random() < 0.5
    return draw.choice([number for number in INTEGERS if field.type == FieldDescriptor.TYPE_INT64 or abs(number) < 1 << 31])


def change_caffe(message: Any, draw: random.Random, field: str = "layer") -> None:
    """Change one field of a message, or of one inside it."""
    chosen = message.DESCRIPTOR.fields_by_name[field]
    values = getattr(message, field)
    if not hasattr(values, "add") and not hasattr(values, "append"):  # there is one at most
        if chosen.message_type:
            change_caffe(values, draw, draw.choice(chosen.message_type.fields).name)
        elif draw.random() < 0.2:
            message.ClearField(field)
        else:
            setattr(message, field, random_value(draw, chosen))
    elif draw.random() < 0.1:
        del values[draw.randrange(len(values) + 1) :]
    elif not chosen.message_type:
        values[draw.randrange(len(values) + 1) :] = [random_value(draw, chosen)]
    elif not values or draw.random() < 0.1:
        values.add().CopyFrom(draw.choice([*values, type(values.add())()]))
    else:
        change_caffe(draw.choice(values), draw, draw.choice(chosen.message_type.fields).name)


@pytest.mark.parametrize("seed", range(3))
def test_caffe_changed_in_any_field_gives_a_network_or_an_error(seed: int) -> None:
    draw = random.Random(seed)
    accepted = 0
    for _ in range(100):
        changed = net_class()()
        changed.ParseFromString(CaffeWriter(0).network(SMALL))
        for _ in range(draw.randint(1, 3)):
            change_caffe(changed, draw)
        data = changed.SerializeToString()
        accepted += is_accepted(lambda data=data: caffe_model(data, "it.caffemodel"))  # type: ignore[misc]
    assert 0 < accepted < 100
