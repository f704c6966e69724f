# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The values in an ONNX graph that depend on the image, and typed access to a node's inputs."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError

from ..feature_graph import FeatureNode, Operation, unsupported
from .classifier_head import Scores, batches
from .constants import Constant, Constants
from .folding import whole_numbers
from .graph import Graph, Node


@dataclass(frozen=True, eq=False)
class Quantised:
    """A value between a QuantizeLinear and its DequantizeLinear."""

    value: FeatureNode | Scores
    """What was quantised."""
    scale: NDArray[Any]
    zero_point: NDArray[Any]


Value = FeatureNode | Scores | Quantised


class Dataflow:
    """The values that are known so far, by tensor name, and the graph's constants."""

    def __init__(self, graph: Graph, image: FeatureNode) -> None:
        self.constants = Constants(graph, self._shape_of)
        self.values: dict[str, Value] = {graph.input: image}
        self.opset = graph.opset
        self.batch = graph.sides[0]
        """Number of images at a time, None where the file leaves it open."""
        self.takes_bytes = graph.takes_bytes
        self.input_range: tuple[float, float] | None = None
        """The smallest and largest value of the input that its quantiser knows, if it has one."""
        self.coarse: Counter[str] = Counter()
        """How many quantisers of activations there are that the imported network does not round like, by what they do."""

    def value(self, node: Node, index: int = 0) -> Value:
        """An input of a node that depends on the image."""
        name = node.input(index)
        if not name or name in self.constants:
            raise unsupported(node.where, f"input {index} must depend on the image; constants are not supported there")
        if name not in self.values:
            raise unsupported(node.where, f"reads {name[:60]!r}, a second output that is not supported")
        return self.values[name]

    @staticmethod
    def is_image(value: Value) -> bool:
        """Whether this is the input as the file is given it."""
        return isinstance(value, FeatureNode) and value.operation is Operation.INPUT and value.affine is None and not any(value.border)

    def unquantised(self, node: Node, index: int = 0) -> FeatureNode | Scores:
        """A node's first input, which must not be between quantisers."""
        value = self.value(node, index)
        return self.features(node, index) if isinstance(value, Quantised) else value

    def features(self, node: Node, index: int = 0) -> FeatureNode:
        """An input that must be feature maps."""
        value = self.value(node, index)
        if not isinstance(value, FeatureNode):
            what = "the scores" if isinstance(value, Scores) else "integers between quantisers"
            raise unsupported(node.where, f"must read feature maps, not {what}")
        return value

    def scores(self, node: Node) -> Scores:
        """A node's first input, which must be the global average."""
        value = self.value(node)
        if not isinstance(value, Scores):
            raise unsupported(node.where, "must come after the average over all positions")
        return value

    def constant(self, node: Node, index: int) -> Constant:
        """An input that must be a constant, whatever the number of images."""
        values = [self._constant(node, index, images) for images in self._batches(node.input(index))]
        if any(not np.array_equal(values[0].values, other.values) for other in values[1:]):
            raise unsupported(node.where, f"input {index} must not depend on the number of images")
        return values[0]

    def _batches(self, name: str) -> tuple[int, ...]:
        return batches(self.batch) if self.constants.depends_on_shape(name) else (1,)

    def _constant(self, node: Node, index: int, images: int) -> Constant:
        name = node.input(index)
        if not name or name not in self.constants:
            raise unsupported(node.where, f"input {index} must be a constant")
        try:
            return self.constants.value(name, images)
        except FirebrickError as problem:
            raise FirebrickError(f"{node.where} reads {problem}") from problem

    def are_constants(self, names: tuple[str, ...]) -> bool:
        """Whether all these inputs are constants or left out."""
        return all(name in self.constants for name in names if name)

    def integers(self, node: Node, name: str, images: int | None = None, index: int = 1) -> list[int]:
        """Whole numbers, which newer operator sets give as an input, the second unless told, and older ones as the attribute ``name``.

        With ``images``, they may depend on the number of images.
        """
        if not node.input(index):
            return node.integers(name)
        if node.input(index) not in self.constants:
            raise unsupported(node.where, f"{name} must be a constant")
        constant = self.constant(node, index) if images is None else self._constant(node, index, images)
        return whole_numbers(node, name, constant.values)

    def _shape_of(self, name: str, images: int) -> tuple[int, ...]:
        value = self.values.get(name)
        if isinstance(value, Quantised):
            value = value.value
        if value is None:
            raise FirebrickError(f"the shape of {name[:60]!r} is not known")
        return value.sides(images)


def finite_floats(node: Node, array: NDArray[Any]) -> NDArray[np.float32]:
    """Weights or biases as 32-bit floats; raises FirebrickError unless they are floats and finite."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            floats = array.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise unsupported(node.where, "weights and biases must be numbers") from error
    if array.dtype.kind in "iub" or "int" in array.dtype.name or not np.isfinite(floats).all():
        raise unsupported(node.where, "weights and biases must be finite floats")
    return floats
