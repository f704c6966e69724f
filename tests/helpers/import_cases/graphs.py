# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Changes to an ONNX graph that exporters and optimisers make: nodes put before, between and behind those of a plain file."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from tests.helpers.onnx_files import FileStyle, random_file

Array = NDArray[Any]


class GraphEditor:
    """A small random file under change."""

    def __init__(self, rng: np.random.Generator, style: FileStyle | None = None, **overrides: Any) -> None:
        settings: dict[str, Any] = {
            "fires": 1,
            "height": 19,
            "width": 23,
            "filters": 6,
            "classes": 5,
            "kernel": 3,
            "stride": 2,
            "pools": True,
        }
        self.rng = rng
        self.model, self.network = random_file(rng, style or FileStyle(opset=17), **(settings | overrides))
        self.count = 0
        self._make_scores_positive()

    def _make_scores_positive(self) -> None:
        """Positive weights in the last convolution, so that its ReLU hides no wrong score."""
        last = self.nodes("Conv")[-1]
        for tensor in self.model.graph.initializer:
            if tensor.name in last.input[1:]:
                tensor.CopyFrom(numpy_helper.from_array(np.abs(numpy_helper.to_array(tensor)), tensor.name))

    def constant(self, numbers: Any) -> str:
        self.count += 1
        name = f"added.{self.count}"
        self.model.graph.initializer.append(numpy_helper.from_array(np.asarray(numbers), name))
        return name

    def add(self, operator: str, inputs: list[str], *, domain: str = "", outputs: int = 1, **attributes: Any) -> str:
        """A node; returns its first output."""
        self.count += 1
        names = [f"{operator}.added.{self.count}" + (f".{index}" if index else "") for index in range(outputs)]
        self.model.graph.node.append(helper.make_node(operator, inputs, names, names[0], domain=domain, **attributes))
        return names[0]

    def nodes(self, operator: str) -> list[NodeProto]:
        return [node for node in self.model.graph.node if node.op_type == operator]

    def redirect(self, old: str, new: str, readers: list[NodeProto]) -> None:
        """Let these nodes, and the file's output, read another tensor."""
        for node in readers:
            node.input[:] = [new if name == old else name for name in node.input]
        for output in self.model.graph.output:
            output.name = new if output.name == old else output.name

    def behind(self, tensor: str, change: Callable[[str], str]) -> None:
        """Put what ``change`` adds between a tensor and all that read it."""
        readers = list(self.model.graph.node)
        self.redirect(tensor, change(tensor), readers)

    def behind_each(self, operator: str, change: Callable[[str, int], str]) -> None:
        """Put what ``change`` adds behind each node of an operator; it is given the number of channels, too."""
        channels = self.channels()
        for node in self.nodes(operator):
            self.behind(node.output[0], lambda tensor: change(tensor, channels[tensor]))

    def at_the_end(self, change: Callable[[str], str]) -> None:
        self.behind(self.model.graph.output[0].name, change)

    def replace_end(self, operator: str, change: Callable[[str], str]) -> None:
        """Replace the last node of an operator, and all behind it, by what ``change`` makes of its input."""
        nodes = self.model.graph.node
        last = max(index for index, node in enumerate(nodes) if node.op_type == operator)
        source = nodes[last].input[0]
        del nodes[last:]
        self.model.graph.output[0].name = change(source)

    def initializer(self, name: str) -> Array:
        return next(numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer if tensor.name == name)

    def weights(self, change: Callable[[Array], str]) -> None:
        """Replace the weights of every convolution by what ``change`` adds."""
        for node in self.nodes("Conv"):
            node.input[1] = change(self.initializer(node.input[1]))

    def channels(self) -> dict[str, int]:
        """Channels of each feature map."""
        from onnx import shape_inference

        inferred = shape_inference.infer_shapes(self.model).graph
        return {
            value.name: value.type.tensor_type.shape.dim[1].dim_value
            for value in (*inferred.value_info, *inferred.input, *inferred.output)
            if len(value.type.tensor_type.shape.dim) > 1
        }

    def uniform(self, low: float, high: float, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        return np.asarray(self.rng.uniform(low, high, shape), dtype)

    def domain(self, name: str) -> None:
        """Declare a domain of operators."""
        self.model.opset_import.append(helper.make_opsetid(name, 1))


def set_input(model: ModelProto, sides: list[int | str], elem_type: int | None = None) -> None:
    """Another shape and type of the input."""
    image = model.graph.input[0]
    image.CopyFrom(helper.make_tensor_value_info(image.name, elem_type or image.type.tensor_type.elem_type, sides))
