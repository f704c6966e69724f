# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network of the family as an ONNX graph; subclasses write the nodes of a layer as integers or as floats."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..network.graph import MaxPool, Network
from ..network.run_stages import run_stages
from ..utils.distribution import VERSION

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 17
IR_VERSION = 8
INPUT, OUTPUT = "frames", "scores"


class NetworkGraph(ABC):
    """An ONNX graph under construction; its operations for `run_stages` add nodes, and feature maps are tensor names.

    Tensor names are ``stage/...``, unique because stage names contain no slash.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node; returns its output."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant; returns its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def cast(self, tensor: str, dtype: type[np.integer]) -> str:
        """Add a cast to another integer type; returns its output."""
        from onnx import helper

        return self.node("Cast", [tensor], f"{tensor}:{dtype.__name__}", to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def proto(self, network: Network, pixel: type[np.number], score: type[np.number], properties: Mapping[str, str]) -> "ModelProto":
        """The whole network as a checked model. Input: ``frames`` (n, channels, rows, columns). Output: ``scores`` (n, classes)."""
        from onnx import checker, helper

        def tensor_info(name: str, dtype: type[np.number], *shape: str | int) -> Any:
            return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

        self.node("Identity", [run_stages(network, INPUT, self)], OUTPUT)
        frames = tensor_info(INPUT, pixel, "n", network.input.channels, network.input.height, network.input.width)
        scores = tensor_info(OUTPUT, score, "n", network.classes)
        proto = helper.make_model(
            helper.make_graph(self.nodes, network.name, [frames], [scores], self.constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="firebrick",
            producer_version=VERSION,
        )
        helper.set_model_props(proto, dict(properties))
        checker.check_model(proto, full_check=True)
        return proto

    def max_pool(self, pool: MaxPool, maps: str) -> str:
        """Add a pool."""
        padding = {"pads": [pool.padding] * 4} if pool.padding else {}
        sides = {"kernel_shape": [pool.kernel] * 2, "strides": [2, 2]}
        return self.node("MaxPool", [maps], f"{pool.name}/out", **sides, **padding, ceil_mode=int(pool.ceil))

    def concatenate(self, name: str, halves: list[str]) -> str:
        """Add the concatenation of a Fire module's expand convolutions."""
        return self.node("Concat", halves, f"{name}/concat", axis=1)

    @abstractmethod
    def convolve(self, name: str, maps: str, *, stride: int = 1, padding: int = 0, relu: bool = True) -> str:
        """Add a convolution with bias and, if asked, ReLU."""

    @abstractmethod
    def add(self, name: str, main: str, skip: str) -> str:
        """Add the sum at the end of a bypass."""

    @abstractmethod
    def global_average(self, name: str, maps: str) -> str:
        """Add the last stage, which gives the scores (n, classes)."""
