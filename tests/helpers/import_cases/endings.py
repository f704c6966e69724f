# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What stands behind the global average."""

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests.helpers.import_cases.case import Floats, ImportCase, edited
from tests.helpers.import_cases.graphs import GraphEditor, set_input
from tests.helpers.onnx_files import FileStyle


def log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def softmax(scores: Floats) -> Floats:
    return np.asarray(np.exp(log_softmax(scores)))


def _view(editor: GraphEditor) -> None:
    """``x.view(x.size(0), -1)`` of PyTorch."""

    def change(source: str) -> str:
        images = editor.add("Gather", [editor.add("Shape", [source]), editor.constant(np.array(0))], axis=0)
        axes = editor.constant(np.array([0]))
        sides = [editor.add("Unsqueeze", [images, axes]), editor.constant(np.array([-1]))]
        return editor.add("Reshape", [source, editor.add("Concat", sides, axis=0)])

    editor.replace_end("Flatten", change)


def _sliced_shape(editor: GraphEditor) -> None:
    """The shape as newer exporters compute it, with channels, not -1."""

    def change(source: str) -> str:
        shape = editor.add("Shape", [source])
        ends = [editor.constant(np.array([end])) for end in (0, 2)]
        return editor.add("Reshape", [source, editor.add("Slice", [shape, *ends])])

    editor.replace_end("Flatten", change)


def _squeeze(opset: int, axes: list[int] | None) -> ImportCase:
    def change(editor: GraphEditor) -> None:
        def squeeze(source: str) -> str:
            if axes is None or opset < 13:
                attributes: dict[str, Any] = {"axes": axes} if axes else {}
                return editor.add("Squeeze", [source], **(attributes))
            return editor.add("Squeeze", [source, editor.constant(np.array(axes))])

        editor.replace_end("Flatten", squeeze)

    which = "all axes of length 1" if axes is None else "axes " + " and ".join(map(str, axes))
    return ImportCase(f"`Squeeze` of {which}, operator set {opset}", edited(change, style=FileStyle(opset=opset)))


def _squeezed_batch(editor: GraphEditor) -> None:
    set_input(editor.model, [1, 3, 19, 23])
    editor.replace_end("Flatten", lambda source: editor.add("Softmax", [editor.add("Squeeze", [source])], axis=0))


def _transposed(editor: GraphEditor) -> None:
    editor.replace_end("Flatten", lambda source: editor.add("Flatten", [editor.add("Transpose", [source], perm=[0, 2, 3, 1])]))


def _unsqueezed(editor: GraphEditor) -> None:
    editor.at_the_end(lambda source: editor.add("Unsqueeze", [source, editor.constant(np.array([2, -1]))]))


def _behind(operator: str, **attributes: Any) -> ImportCase:
    after = {"LogSoftmax": log_softmax, "Softmax": softmax}[operator]
    change = edited(lambda editor: editor.at_the_end(lambda source: editor.add(operator, [source], **attributes)))
    return ImportCase(f"`{operator}`", change, end=after)


def _cast(editor: GraphEditor) -> None:
    editor.at_the_end(lambda source: editor.add("Identity", [editor.add("Cast", [source], to=TensorProto.DOUBLE)]))
    editor.model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def _scaled(editor: GraphEditor) -> None:
    def change(source: str) -> str:
        return editor.add(
            "Div", [editor.add("Mul", [source, editor.constant(editor.uniform(0.5, 2, (5,)))]), editor.constant(np.float32(4))]
        )

    editor.at_the_end(change)


def _moved_batch(editor: GraphEditor) -> None:
    editor.at_the_end(lambda source: editor.add("Flatten", [editor.add("Transpose", [source], perm=[1, 0])], axis=0))


def _shifted(editor: GraphEditor) -> None:
    editor.at_the_end(lambda source: editor.add("Add", [source, editor.constant(editor.uniform(0.5, 2, (5,)))]))


def _scaled_probabilities(editor: GraphEditor) -> None:
    editor.at_the_end(lambda source: editor.add("Mul", [editor.add("Softmax", [source]), editor.constant(editor.uniform(0.5, 2, (5,)))]))


def _argmax(editor: GraphEditor) -> None:
    editor.at_the_end(lambda source: editor.add("ArgMax", [source], axis=1))


def _two_outputs(editor: GraphEditor) -> None:
    editor.model.graph.output.append(helper.make_tensor_value_info(editor.nodes("Relu")[0].output[0], TensorProto.FLOAT, None))


def _no_average(editor: GraphEditor) -> None:
    editor.replace_end("GlobalAveragePool", lambda source: editor.add("Identity", [source]))


CASES = (
    ImportCase("`x.view(x.size(0), -1)` of PyTorch: `Shape`, `Gather`, `Unsqueeze`, `Concat`, `Reshape`", edited(_view)),
    ImportCase("`Reshape` to a `Slice` of the `Shape`", edited(_sliced_shape)),
    _squeeze(11, [2, 3]),
    _squeeze(13, [2, 3]),
    _squeeze(13, None),
    ImportCase("`Squeeze` of the batch of a single image, and `Softmax` of what is left", edited(_squeezed_batch), end=softmax),
    ImportCase("`Transpose` to channels last, and `Flatten`", edited(_transposed)),
    ImportCase("`Unsqueeze`", edited(_unsqueezed)),
    _behind("LogSoftmax", axis=1),
    _behind("Softmax"),
    ImportCase("`Cast` to another type of floats, `Identity`", edited(_cast)),
    ImportCase("`Mul` and `Div` by positive constants, such as a temperature", edited(_scaled)),
    ImportCase("`Add` of a constant behind the last ReLU", edited(_shifted), "changes the scores after their last ReLU"),
    ImportCase(
        "arithmetic behind `Softmax`", edited(_scaled_probabilities), "changes probabilities; after a softmax, only the shape may change"
    ),
    ImportCase("`Flatten` of several images to one", edited(_moved_batch), "must be 1, so that every image keeps its own scores"),
    ImportCase(
        "`ArgMax`, which leaves no scores",
        edited(_argmax),
        "the graph must end with scores; give the file as it was before ArgMax was added",
    ),
    ImportCase("a second output", edited(_two_outputs), "must have one input and one output, not 1 and 2"),
    ImportCase("no average over all positions", edited(_no_average), "the graph must end with the average over all positions"),
)
