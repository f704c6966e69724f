# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A last convolution without a ReLU, whose scores may be negative, and other places where a ReLU is missing."""

from onnx import numpy_helper

from tests.helpers.import_cases.case import ImportCase, edited
from tests.helpers.import_cases.folded import batch_norm
from tests.helpers.import_cases.graphs import GraphEditor


def without_relu(editor: GraphEditor, index: int) -> str:
    """Remove a ReLU; returns what its readers read now."""
    relu = editor.nodes("Relu")[index]
    editor.model.graph.node.remove(relu)
    editor.redirect(relu.output[0], relu.input[0], list(editor.model.graph.node))
    return str(relu.input[0])


def _signed(editor: GraphEditor) -> str:
    """Remove the last ReLU, and give the last convolution weights of either sign again."""
    last = editor.nodes("Conv")[-1]
    for tensor in editor.model.graph.initializer:
        if tensor.name in last.input[1:]:
            array = numpy_helper.to_array(tensor)
            sign = editor.rng.choice([-1, 1], array.shape).astype(array.dtype)
            tensor.CopyFrom(numpy_helper.from_array(array * sign, tensor.name))
    return without_relu(editor, -1)


def _dropped(editor: GraphEditor) -> None:
    editor.behind(_signed(editor), lambda source: editor.add("Dropout", [source]))


def _normalised(editor: GraphEditor) -> None:
    editor.behind(_signed(editor), lambda source: batch_norm(editor, source, 5))


def _scaled_scores(editor: GraphEditor) -> None:
    _signed(editor)
    editor.at_the_end(lambda source: editor.add("Mul", [source, editor.constant(editor.uniform(-2, -1, (5,)))]))
    editor.at_the_end(lambda source: editor.add("Add", [source, editor.constant(editor.uniform(-1, 1, (5,)))]))


def _relu_at_the_end(editor: GraphEditor) -> None:
    _signed(editor)
    editor.at_the_end(lambda source: editor.add("Relu", [source]))


def _pooled(editor: GraphEditor) -> None:
    editor.behind(_signed(editor), lambda source: editor.add("MaxPool", [source], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1))


CASES = (
    ImportCase("none behind the last convolution, so that scores may be negative", edited(_signed)),
    ImportCase("the same with `Dropout` between convolution and average", edited(_dropped)),
    ImportCase("the same with `BatchNormalization` between them", edited(_normalised)),
    ImportCase("the same with `Mul` by negative constants and `Add` behind the average", edited(_scaled_scores)),
    ImportCase(
        "the same with a `Relu` behind the average", edited(_relu_at_the_end), "cuts scores off; a ReLU must come before the average"
    ),
    ImportCase("the same with a pool before the average", edited(_pooled, height=41, width=41), "without a ReLU between"),
    ImportCase(
        "none behind a squeeze convolution",
        edited(lambda editor: without_relu(editor, 1)),
        "without a ReLU between; every convolution of the family has one, but the last",
    ),
)
