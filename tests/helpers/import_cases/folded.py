# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is folded into convolutions: constants that operators compute, scales and shifts of channels."""

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from firebrick.sw.network.graph import Bypass
from tests.helpers.import_cases.case import ImportCase, edited
from tests.helpers.import_cases.graphs import Array, GraphEditor
from tests.helpers.onnx_files import FileStyle


def _weights(what: str, change: Any) -> ImportCase:
    return ImportCase(what, edited(lambda editor: editor.weights(lambda array: change(editor, array))))


def _transposed(editor: GraphEditor, array: Array) -> str:
    return editor.add("Transpose", [editor.constant(np.ascontiguousarray(array.transpose(2, 3, 1, 0)))], perm=[3, 2, 0, 1])


def _multiplied(editor: GraphEditor, array: Array) -> str:
    scale = editor.uniform(0.5, 2, (len(array), 1, 1, 1))
    return editor.add("Mul", [editor.constant(array), editor.constant(scale)])


def _weight_norm(editor: GraphEditor, array: Array) -> str:
    """Weight normalisation, as PyTorch's exporter writes it."""
    direction = editor.constant(array)
    axes = editor.constant(np.array([1, 2, 3]))
    norm = editor.add("Sqrt", [editor.add("ReduceSum", [editor.add("Mul", [direction, direction]), axes])])
    return editor.add("Mul", [editor.add("Div", [direction, norm]), editor.constant(editor.uniform(0.5, 2, (len(array), 1, 1, 1)))])


def _sliced(editor: GraphEditor, array: Array) -> str:
    """The first half of a larger tensor, joined with the second."""
    whole = editor.constant(np.concatenate([array, array]))
    half = len(array) // 2
    cuts = [[editor.constant(np.array([end])) for end in ends] for ends in ((0, half), (half, len(array)))]
    return editor.add("Concat", [editor.add("Slice", [whole, *ends]) for ends in cuts], axis=0)


def _expanded(editor: GraphEditor, array: Array) -> str:
    """All filters alike: one, expanded."""
    shape = editor.add("Shape", [editor.constant(array)])
    return editor.add("Expand", [editor.constant(array[:1]), shape])


def _filled(editor: GraphEditor, array: Array) -> str:
    tensor = numpy_helper.from_array(np.array([0.01], np.float32))
    filled = editor.add("ConstantOfShape", [editor.constant(np.array(array.shape))], value=tensor)
    return editor.add("Add", [filled, editor.constant(array)])


def _product(editor: GraphEditor, array: Array) -> str:
    """A product of matrices, reshaped."""
    flat = array.reshape(len(array), -1)
    product = editor.add("MatMul", [editor.constant(np.eye(len(array), dtype=np.float32)), editor.constant(flat)])
    return editor.add("Reshape", [product, editor.constant(np.array(array.shape))])


def batch_norm(editor: GraphEditor, source: str, channels: int, gamma: float = 0.5) -> str:
    numbers = [(gamma, 2.0), (-1.0, 1.0), (-1.0, 1.0), (0.5, 2.0)]
    return editor.add(
        "BatchNormalization", [source, *(editor.constant(editor.uniform(*ends, (channels,))) for ends in numbers)], epsilon=1e-3
    )


def _per_channel(editor: GraphEditor, channels: int, low: float, high: float) -> str:
    return editor.constant(editor.uniform(low, high, (channels, 1, 1)))


def _bias_as_add(editor: GraphEditor) -> None:
    for node in editor.nodes("Conv"):
        del node.input[2:]
    editor.behind_each("Conv", lambda source, channels: editor.add("Add", [_per_channel(editor, channels, -1, 1), source]))


def _scale_and_shift(editor: GraphEditor) -> None:
    def change(source: str, channels: int) -> str:
        scaled = editor.add("Mul", [source, _per_channel(editor, channels, -2, 2)])
        return editor.add("Div", [editor.add("Sub", [scaled, _per_channel(editor, channels, -1, 1)]), editor.constant(np.float32(1.5))])

    editor.behind_each("Conv", change)


def _reversed_subtraction(editor: GraphEditor) -> None:
    editor.behind_each("Conv", lambda source, channels: editor.add("Sub", [_per_channel(editor, channels, -1, 1), source]))


def _norm_behind_relu(editor: GraphEditor) -> None:
    """Behind the first ReLU, before pool and squeeze convolution, and behind Concat, before the last convolution."""
    first, joined = editor.nodes("Relu")[0].output[0], editor.nodes("Concat")[0].output[0]
    channels = editor.channels()[joined]
    editor.behind(first, lambda source: batch_norm(editor, source, 6))
    editor.behind(joined, lambda source: batch_norm(editor, source, channels))


def _scale_behind_relu(editor: GraphEditor) -> None:
    editor.behind_each("Relu", lambda source, channels: editor.add("Mul", [source, _per_channel(editor, channels, 0.25, 2)]))


def _scale_behind_pool(editor: GraphEditor) -> None:
    editor.behind_each("MaxPool", lambda source, channels: editor.add("Mul", [source, _per_channel(editor, channels, 0.25, 2)]))


def _norm_before_padding(editor: GraphEditor) -> None:
    squeezed = editor.nodes("Relu")[1].output[0]
    channels = editor.channels()[squeezed]
    editor.behind(squeezed, lambda source: batch_norm(editor, source, channels))


def _negative_before_pool(editor: GraphEditor) -> None:
    first = editor.nodes("Relu")[0].output[0]
    editor.behind(first, lambda source: editor.add("Mul", [source, _per_channel(editor, 6, -2, -1)]))


def _norm_before_sum(editor: GraphEditor) -> None:
    joined = editor.nodes("Concat")[0].output[0]
    channels = editor.channels()[joined]
    editor.behind(joined, lambda source: batch_norm(editor, source, channels))


def _training_norm(editor: GraphEditor) -> None:
    editor.behind_each("Conv", lambda source, channels: batch_norm(editor, source, channels))
    for node in editor.nodes("BatchNormalization"):
        node.attribute.append(helper.make_attribute("training_mode", 1))


def _position_bias(editor: GraphEditor) -> None:
    name = editor.nodes("Conv")[0].output[0]
    editor.behind(name, lambda source: editor.add("Add", [source, editor.constant(editor.uniform(0, 1, (1, 1, 9, 11)))]))


def _unfolded(editor: GraphEditor, array: Array) -> str:
    return editor.add("CumSum", [editor.constant(array), editor.constant(np.array(0))])


def _huge(editor: GraphEditor, array: Array) -> str:
    tiled = editor.add("Tile", [editor.constant(array), editor.constant(np.array([1 << 40, 1, 1, 1]))])
    return editor.add("Mul", [tiled, editor.constant(np.float32(1))])


def _relu6(editor: GraphEditor) -> None:
    for node in editor.nodes("Relu"):
        node.op_type = "Clip"
        node.input.extend([editor.constant(np.float32(0)), editor.constant(np.float32(6))])


def _clip_at_zero(editor: GraphEditor) -> None:
    for node in editor.nodes("Relu"):
        node.op_type = "Clip"
        node.input.append(editor.constant(np.float32(0)))


CONSTANTS = (
    _weights("weights behind `Transpose`", _transposed),
    _weights("weights behind `Mul`", _multiplied),
    _weights("weight normalisation: `Mul`, `ReduceSum`, `Sqrt`, `Div`", _weight_norm),
    _weights("weights from `Slice` and `Concat`", _sliced),
    _weights("weights from `Shape` and `Expand`", _expanded),
    _weights("weights from `ConstantOfShape` and `Add`", _filled),
    _weights("weights from `MatMul` and `Reshape`", _product),
    ImportCase(
        "constants by other operators, such as `CumSum`",
        edited(lambda editor: editor.weights(lambda array: _unfolded(editor, array))),
        "its inputs are constants, but this operator is not folded; export the file anew with constants folded",
    ),
    ImportCase(
        "constants of more than 8 million elements",
        edited(lambda editor: editor.weights(lambda array: _huge(editor, array))),
        "computes a constant of too many elements",
    ),
)
CHANNELS = (
    ImportCase(
        "`BatchNormalization` behind convolutions", edited(lambda e: e.behind_each("Conv", lambda source, n: batch_norm(e, source, n)))
    ),
    ImportCase("a bias as an `Add`", edited(_bias_as_add)),
    ImportCase("`Mul`, `Sub` and `Div` of channels behind convolutions", edited(_scale_and_shift)),
    ImportCase("a constant minus a convolution", edited(_reversed_subtraction)),
    ImportCase(
        "`BatchNormalization` behind a ReLU, before pools, `Concat` and convolutions that are not padded", edited(_norm_behind_relu)
    ),
    ImportCase("`Mul` by positive constants behind ReLUs", edited(_scale_behind_relu)),
    ImportCase("`Mul` by positive constants behind pools", edited(_scale_behind_pool)),
    ImportCase("`Clip` from 0 on, in place of `Relu`", edited(_clip_at_zero)),
    ImportCase(
        "`BatchNormalization` behind a ReLU, before a padded convolution",
        edited(_norm_before_padding),
        "a padded convolution cannot take these up",
    ),
    ImportCase("`Mul` by negative constants before a pool", edited(_negative_before_pool), "which would turn maximum into minimum"),
    ImportCase(
        "`BatchNormalization` before the sum of a bypass",
        edited(_norm_before_sum, bypass=Bypass.SIMPLE, pools=False),
        "with a scale or shift after its ReLU, which only a convolution can take up",
    ),
    ImportCase(
        "`BatchNormalization` in training mode",
        edited(_training_norm, style=FileStyle(opset=17)),
        "must normalise each channel by constants",
    ),
    ImportCase("a constant for every position", edited(_position_bias), "the constant must be one number, or one for each of 6 channels"),
    ImportCase(
        "`Clip` from 0 to 6 (ReLU6)", edited(_relu6), "clips from 0 to 6; only a ReLU is supported: train with ReLU in place of ReLU6"
    ),
)
