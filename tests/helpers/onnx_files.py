# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ONNX files of float networks in the styles of different exporters, and the scores that onnxruntime computes from them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from tests.helpers.random_models import random_network

Floats = NDArray[np.float32]


@dataclass
class FileStyle:
    """The choices that exporters make differently; by default, everything is in its plainest form."""

    meaningless_names: bool = False
    """Random names, and additional Identity and Dropout nodes."""
    constant_nodes: bool = False
    """Weights in Constant nodes."""
    late_relu: bool = False
    """ReLU after Concat and after pooling."""
    swapped: bool = False
    """3x3 filters first in Concat; the other operand first in Add."""
    end_pads: bool = False
    """Pools round up by padding at the end."""
    weights: str = "float"
    """float, gather, quantised or half."""
    quantised: bool = False
    """Activations pass QuantizeLinear and DequantizeLinear with scales too fine to matter."""
    average: str = "GlobalAveragePool"
    head: tuple[str, ...] = ("Flatten",)
    opset: int = 17


@dataclass
class OnnxWriter:
    """An ONNX graph under construction."""

    rng: np.random.Generator
    style: FileStyle = field(default_factory=FileStyle)
    nodes: list[NodeProto] = field(default_factory=list)
    tensors: list[TensorProto] = field(default_factory=list)
    count: int = 0

    def name(self, what: str) -> str:
        self.count += 1
        return f"{self.rng.integers(1 << 40)}" if self.style.meaningless_names else f"{what}.{self.count}"

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        output = self.name(operator)
        self.nodes.append(helper.make_node(operator, inputs, [output], "" if self.style.meaningless_names else output, **attributes))
        if self.style.meaningless_names and operator not in ("Identity", "QuantizeLinear") and self.rng.random() < 0.3:
            maps = operator in ("Conv", "Relu", "Concat", "MaxPool", "Add")
            return self.dropout(output) if maps and self.rng.random() < 0.5 else self.add("Identity", [output])
        return output

    def dropout(self, source: str) -> str:
        outputs = [self.name("dropout"), self.name("mask")]
        self.nodes.append(helper.make_node("Dropout", [source], outputs))
        return outputs[0]

    def constant(self, array: NDArray[Any]) -> str:
        tensor = numpy_helper.from_array(array, self.name("constant"))
        if not self.style.constant_nodes:
            self.tensors.append(tensor)
            return tensor.name
        return self.add("Constant", [], value=tensor)

    def weights(self, array: Floats) -> str:
        match self.style.weights:
            case "gather":
                codes = self.rng.integers(0, 200, array.shape)
                return self.add("Gather", [self.constant(self.book(array)), self.constant(codes)])
            case "quantised":
                scale = (np.abs(array).max(axis=(1, 2, 3)) / 127 + 1e-6).astype(np.float32)
                steps = np.rint(array / scale[:, None, None, None]).astype(np.int8)
                zeros = np.zeros(len(scale), np.int8)
                return self.add("DequantizeLinear", [self.constant(array) for array in (steps, scale, zeros)], axis=0)
            case "half":
                return self.add("Cast", [self.constant(array.astype(np.float16))], to=TensorProto.FLOAT)
        return self.constant(array)

    def book(self, array: Floats) -> Floats:
        book: Floats = (self.rng.standard_normal(200) * array.std()).astype(np.float32)
        book[int(self.rng.integers(200))] = 0
        return book

    def convolution(self, source: str, filters: int, channels: int, kernel: int, stride: int = 1, padding: int = 0) -> str:
        weights = (self.rng.standard_normal((filters, channels, kernel, kernel)) / np.sqrt(channels) / kernel).astype(np.float32)
        bias = self.rng.standard_normal(filters).astype(np.float32)
        return self.add(
            "Conv",
            [source, self.weights(weights), *([self.constant(bias)] if self.rng.random() < 0.8 else [])],
            strides=[stride] * 2,
            pads=[padding] * 4,
        )

    def relu(self, source: str) -> str:
        output = self.add("Relu", [source])
        return self.quantisers(output, 0) if self.style.quantised else output

    def quantisers(self, source: str, zero: int) -> str:
        numbers = [self.constant(np.array(1 / 4096, np.float32)), self.constant(np.array(zero, np.uint16))]
        return self.add("DequantizeLinear", [self.add("QuantizeLinear", [source, *numbers]), *numbers])

    def network(self, network: Network) -> str:
        maps, pending = "image", False
        for stage, after, shape in zip(network.stages, [*network.stages[1:], None], network.shapes(), strict=False):
            match stage:
                case Conv():
                    maps = self.convolution(maps, stage.filters, shape.channels, stage.kernel, stage.stride, stage.padding)
                    pending = self.style.late_relu and isinstance(after, MaxPool)
                    maps = maps if pending else self.relu(maps)
                case MaxPool():
                    maps = self.pool(maps, stage, shape)
                    pending = pending and isinstance(after, MaxPool)
                    maps = maps if pending or not self.style.late_relu else self.relu(maps)
                case Fire():
                    maps = self.fire(maps, stage, shape)
                case GlobalAverage():
                    maps = self.end(maps, shape)
        return maps

    def pool(self, source: str, pool: MaxPool, shape: Shape) -> str:
        sizes: dict[str, Any] = {"kernel_shape": [pool.kernel] * 2, "strides": [2, 2]}
        if self.style.end_pads:
            # what the last window lacks of the map
            ends = [
                max(0, 2 * (pool.output_length(length) - 1) + pool.kernel - pool.padding - length) for length in (shape.height, shape.width)
            ]
            return self.add("MaxPool", [source], pads=[pool.padding, pool.padding, *ends], **sizes)
        return self.add("MaxPool", [source], ceil_mode=int(pool.ceil), pads=[pool.padding] * 4, **sizes)

    def fire(self, source: str, fire: Fire, shape: Shape) -> str:
        late = self.style.late_relu
        squeezed = self.relu(self.convolution(source, fire.squeeze, shape.channels, 1))
        halves = []
        if fire.expand1x1:
            halves.append(self.convolution(squeezed, fire.expand1x1, fire.squeeze, 1))
        if fire.expand3x3:
            halves.append(self.convolution(squeezed, fire.expand3x3, fire.squeeze, 3, padding=1))
        if not late:
            halves = [self.relu(half) for half in halves]
        out = self.add("Concat", halves[::-1] if self.style.swapped else halves, axis=1)
        if late:
            out = self.relu(out)
        if fire.bypass is Bypass.NONE:
            return out
        skip = source
        if fire.bypass is Bypass.COMPLEX:
            skip = self.relu(self.convolution(source, fire.expand1x1 + fire.expand3x3, shape.channels, 1))
        return self.add("Add", [skip, out] if self.style.swapped else [out, skip])

    def end(self, source: str, shape: Shape) -> str:
        match self.style.average:
            case "AveragePool":
                scores = self.add("AveragePool", [source], kernel_shape=[shape.height, shape.width])
            case "ReduceMean":
                scores = self.add("ReduceMean", [source, self.constant(np.array([-1, -2]))], keepdims=len(self.style.head))
            case operator:
                scores = self.add(operator, [source])
        for operator in self.style.head:
            match operator:
                case "Reshape":
                    scores = self.add(operator, [scores, self.constant(np.array([0, -1]))])
                case "View":
                    scores = self.add("Reshape", [scores, self.constant(np.array([1, shape.channels]))])
                case _:
                    scores = self.add(operator, [scores])
        return scores


def random_file(rng: np.random.Generator, style: FileStyle, **overrides: Any) -> tuple[ModelProto, Network]:
    """A file, and the network in it; ``overrides`` go to `random_network`."""
    network = random_network(rng, channels=3, **overrides)
    return file_with(rng, style, network), network


def file_with(rng: np.random.Generator, style: FileStyle, network: Network) -> ModelProto:
    """A file of a network with random weights."""
    writer = OnnxWriter(rng, style)
    output = writer.network(network)
    return model_proto(writer.nodes, writer.tensors, network.input, output, style.opset)


def model_proto(nodes: list[NodeProto], tensors: list[TensorProto], shape: Shape, output: str, opset: int = 17) -> ModelProto:
    """A whole file with nodes that read the tensor ``image``."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", shape.channels, shape.height, shape.width])
    scores = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "graph", [image], [scores], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="tests")


def run_onnxruntime(model: ModelProto, images: Floats) -> Floats:
    """The scores that onnxruntime computes, one image at a time, shape (images, classes)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.stack([np.asarray(session.run(None, {name: image[None]})[0]).reshape(-1) for image in images])
