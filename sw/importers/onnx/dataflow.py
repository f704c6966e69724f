# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The values in an ONNX graph that depend on the image, and typed access to a node's inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError

from ..feature_graph import FeatureNode, unsupported
from .classifier_head import Scores
from .constants import Constant, Constants, whole_numbers
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
        self.constants = Constants(graph)
        self.values: dict[str, Value] = {graph.input: image}
        self.opset = graph.opset
        self.batch = graph.sides[0]
        """Number of images at a time, None where the file leaves it open."""

    def value(self, node: Node, index: int = 0) -> Value:
        """An input of a node that depends on the image."""
        name = node.input(index)
        if not name or name in self.constants:
            raise unsupported(node.where, f"input {index} must depend on the image; arithmetic with constants is not supported")
        if name not in self.values:
            raise unsupported(node.where, f"reads {name[:60]!r}, a second output that is not supported")
        return self.values[name]

    def unquantised(self, node: Node) -> FeatureNode | Scores:
        """A node's first input, which must not be between quantisers."""
        value = self.value(node)
        return self.features(node) if isinstance(value, Quantised) else value

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
        """An input that must be a constant."""
        name = node.input(index)
        if name not in self.constants:
            raise unsupported(node.where, f"input {index} must be a constant")
        try:
            return self.constants.value(name)
        except FirebrickError as problem:
            raise FirebrickError(f"{node.where} reads {problem}") from problem

    def are_constants(self, names: tuple[str, ...]) -> bool:
        """Whether all these inputs are constants or left out."""
        return all(name in self.constants for name in names if name)

    def integers(self, node: Node, name: str) -> list[int]:
        """Whole numbers, which newer operator sets give as the second input and older ones as the attribute ``name``."""
        if not node.input(1):
            return node.integers(name)
        if node.input(1) not in self.constants:
            raise unsupported(node.where, f"{name} must be a constant")
        return whole_numbers(node, name, self.constant(node, 1).values)


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
