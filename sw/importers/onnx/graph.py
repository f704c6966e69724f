# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An ONNX file's graph: nodes in dataflow order, whatever their order in the file. Every number in the file is checked before use."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.distribution import install_extra

from ..feature_graph import describe_operator, printable, unsupported

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

BYTES_MAX = 1 << 27
"""Maximum file size in bytes; a float SqueezeNet has 5 MB."""
NODES_MAX = 10_000
"""Maximum number of nodes; a quantised SqueezeNet has some 300."""
_QUANT_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "finn")
"""Domains in which QONNX's quantisers are found; those of old files are Brevitas' and FINN's."""


@dataclass(frozen=True, eq=False)
class Node:
    """An operator. Its methods read attributes and raise FirebrickError where one has the wrong type."""

    where: str
    operator: str
    inputs: tuple[str, ...]
    """Names; empty where an optional input is left out."""
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    proto: "NodeProto"
    """As the file has it."""

    def input(self, index: int) -> str:
        """The name of an input; empty where there is none."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def integer(self, name: str, default: int) -> int:
        """An attribute that is a whole number."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise unsupported(self.where, f"attribute {name} must be a whole number")
        return value

    def integers(self, name: str, default: list[int] | None = None) -> list[int]:
        """An attribute that is a list of whole numbers."""
        value = self.attributes.get(name, default)
        if not isinstance(value, list) or not all(isinstance(number, int) for number in value):
            raise unsupported(self.where, f"attribute {name} must be a list of whole numbers")
        return value

    def pair(self, name: str, default: list[int] | None = None) -> list[int]:
        """An attribute that is two positive whole numbers, for rows and columns."""
        pair = self.integers(name, default)
        if len(pair) != 2 or min(pair) < 1:
            raise unsupported(self.where, f"{name} must be two positive numbers, not {pair[:8]}")
        return pair

    def text(self, name: str, default: str) -> str:
        """An attribute that is text."""
        value = self.attributes.get(name, default.encode())
        if not isinstance(value, bytes):
            raise unsupported(self.where, f"attribute {name} must be text")
        return value.decode("utf-8", "replace")


@dataclass(frozen=True, eq=False)
class Graph:
    """The nodes between the file's one input and its one output."""

    nodes: tuple[Node, ...]
    """In dataflow order: each after those that it reads; nodes that the output does not need are left out."""
    tensors: dict[str, "TensorProto"]
    """Initialisers by name."""
    input: str
    sides: tuple[int | None, ...]
    """Length of each axis of the input, None where the file leaves it open."""
    takes_bytes: bool
    """The input is of whole numbers from 0 to 255."""
    output: str
    opset: int
    producer: str
    properties: dict[str, str]
    """The file's metadata properties."""
    folder: Path | None
    """Where files of external data may lie."""


def read_graph(data: bytes, folder: Path | None = None) -> Graph:
    """Parse a file's bytes; raises FirebrickError when it is damaged, with a message to put behind the file's name and a colon."""
    model = _parse(data)
    graph = model.graph
    if len(graph.node) > NODES_MAX:
        raise FirebrickError(f"a graph must have at most {NODES_MAX} nodes, not {len(graph.node)}")
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    if len(tensors) < len(graph.initializer):
        [(duplicate, _)] = Counter(tensor.name for tensor in graph.initializer).most_common(1)
        raise FirebrickError(f"tensor {duplicate[:60]!r}: there are two of this name; every tensor must have one value")
    if graph.sparse_initializer:
        raise FirebrickError(f"tensor {graph.sparse_initializer[0].values.name[:60]!r}: it is sparse; save the model with dense tensors")
    inputs = [value for value in graph.input if value.name not in tensors]  # old files list initialisers as inputs, too
    if len(inputs) != 1 or len(graph.output) != 1:
        raise FirebrickError(f"a graph must have one input and one output, not {len(inputs)} and {len(graph.output)}")
    nodes = _nodes(graph)
    producers = _producers(nodes, {*tensors, inputs[0].name})
    output = graph.output[0].name
    return Graph(
        _dataflow_order(producers, {*tensors, inputs[0].name}, output),
        tensors,
        inputs[0].name,
        *_sides(inputs[0]),
        output,
        _opset(model),
        f"{printable(model.producer_name, 60)} {printable(model.producer_version, 60)}".strip() or "an unnamed producer",
        {entry.key: entry.value for entry in model.metadata_props},
        folder,
    )


def _parse(data: bytes) -> "ModelProto":
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise FirebrickError(f"ONNX files need the package onnx; {install_extra('onnx')}") from error
    try:
        model: ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise FirebrickError("no complete ONNX file; export it anew") from error
    if not model.HasField("graph") or not model.opset_import:
        raise FirebrickError("no complete ONNX file, as it has no graph or no operator set; export it anew")
    return model


def _opset(model: "ModelProto") -> int:
    versions = {int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")}
    if len(versions) != 1:
        raise FirebrickError(f"must use ONNX's own operators, of one version, not of {len(versions)}")
    return versions.pop()


def _nodes(graph: "GraphProto") -> list[Node]:
    from onnx import helper

    nodes = []
    for proto in graph.node:
        operator = _operator(proto)
        name = proto.name or (proto.output[0] if proto.output else "")
        where = describe_operator("node", name, operator)
        try:
            attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in proto.attribute}
        except ValueError as error:
            raise FirebrickError(f"{where}: an attribute has no value; export the file anew") from error
        if len(attributes) < len(proto.attribute):
            raise unsupported(where, "has two attributes of one name; export the file anew")
        listed = {name: list(value) if isinstance(value, list | tuple) else value for name, value in attributes.items()}
        nodes.append(Node(where, operator, tuple(proto.input), tuple(proto.output), listed, proto))
    return nodes


def _operator(proto: "NodeProto") -> str:
    """The operator's name, with its domain unless it is ONNX's own; one name for what is the same in several domains."""
    if proto.domain in ("", "ai.onnx") or (proto.domain == "com.microsoft" and proto.op_type in ("DequantizeLinear", "QuantizeLinear")):
        return str(proto.op_type)
    if proto.domain in _QUANT_DOMAINS and proto.op_type in ("Quant", "IntQuant", "BipolarQuant"):
        return str(proto.op_type).removeprefix("Int")
    return f"{proto.domain}.{proto.op_type}"


def _producers(nodes: list[Node], known: set[str]) -> dict[str, Node]:
    """The node that computes each tensor."""
    producers: dict[str, Node] = {}
    for node in nodes:
        for output in node.outputs:
            if output and (output in producers or output in known):
                raise unsupported(node.where, f"computes {output[:60]!r}, which has a value already; every tensor must have one source")
            producers[output] = node
    return producers


def _dataflow_order(producers: dict[str, Node], known: set[str], output: str) -> tuple[Node, ...]:
    """Nodes that the output needs, in dataflow order: a depth-first search, without recursion since hostile files may nest deeply."""
    ordered: dict[int, Node] = {}
    open_nodes: set[int] = set()
    stack = [(output, "the graph's output")]
    while stack:
        tensor, reader = stack[-1]
        node = producers.get(tensor)
        if node is None and tensor not in known:
            raise FirebrickError(f"{reader} reads {tensor[:60]!r}, which nothing computes")
        if node is None or id(node) in ordered:
            stack.pop()
        elif id(node) in open_nodes:
            open_nodes.discard(id(node))
            ordered[id(node)] = node
            stack.pop()
        else:
            open_nodes.add(id(node))
            for name in node.inputs:
                if name in producers and id(producers[name]) in open_nodes:
                    raise unsupported(node.where, f"reads {name[:60]!r}, which depends on it; a graph must have no cycle")
                if name:
                    stack.append((name, node.where))
    return tuple(ordered.values())


def _sides(value: Any) -> tuple[tuple[int | None, ...], bool]:
    """Length of each axis of the input, None where it is open, which old exporters write as 0 or -1; and whether it takes bytes."""
    from onnx import TensorProto

    tensor_type = value.type.tensor_type
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
    if tensor_type.elem_type not in (*floats, TensorProto.UINT8):
        raise FirebrickError(f"the input {value.name[:60]!r} must be floats or bytes (uint8): images as the network was trained with")
    sides = tuple(int(side.dim_value) if side.HasField("dim_value") and side.dim_value > 0 else None for side in tensor_type.shape.dim)
    if len(sides) != 4:
        raise FirebrickError(f"the input {value.name[:60]!r} must have four axes (images, channels, rows, columns), not {len(sides)}")
    return sides, tensor_type.elem_type == TensorProto.UINT8
