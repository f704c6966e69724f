# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network of the family from an ONNX file, as torchvision exports it or the ONNX model zoo publishes it.

Names and node order do not matter. Quantised files (QuantizeLinear, DequantizeLinear) give the float network that they stand for:
weights are dequantised, and activations are not rounded.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.metadata import NUMBER_MAX
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.network.graph import Shape
from firebrick.sw.utils.atomic_files import read_limited

from ..feature_graph import FeatureNode, input_node, printable, unsupported
from ..fire_matcher import match_network
from ..normalisation import TORCH, Normalisation, build_float_model
from .classifier_head import Scores
from .dataflow import Dataflow
from .graph import BYTES_MAX, Graph, read_graph
from .metadata import read_metadata
from .operators import MAX_INPUTS, OPERATORS


def import_onnx(
    path: Path,
    normalisation: Normalisation | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> FloatModel:
    """The network in an ONNX file.

    Args:
        path: the file.
        normalisation: how the network's training normalised images; None for what the file says if `encode_float_onnx` made it, or else
            torchvision's.
        labels: names of the classes; None for those in the file, or else ImageNet's where there are 1000 classes.
        size: rows and columns of an image, for files that leave them open.

    Raises FirebrickError when the file cannot be read, is damaged, or holds anything but a network of the family; the sentence names the
    node and what is supported.
    """
    data = read_limited(path, BYTES_MAX + 1, "an ONNX file")
    return onnx_model(data, path.name, normalisation, labels, size)


def onnx_model(
    data: bytes,
    name: str,
    normalisation: Normalisation | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> FloatModel:
    """The network in an ONNX file's bytes; ``name`` is for messages. Raises FirebrickError as `import_onnx` does."""
    name = printable(name)
    try:
        if len(data) > BYTES_MAX:
            raise FirebrickError(f"an ONNX file must have at most {BYTES_MAX} bytes")
        graph = read_graph(data)
        shape = _input_shape(graph, size)
        embedded = read_metadata(graph.properties, shape)
        normalisation = normalisation or (embedded.normalisation if embedded else TORCH)
        labels = labels or (embedded.labels if embedded else None)
        average = _global_average(graph, input_node(shape, nonnegative=not any(normalisation.mean)))
        provenance = (embedded.metadata if embedded else {}) | {
            "name": name,
            "source": f"an ONNX file made by {graph.producer}",
            "source sha256": hashlib.sha256(data).hexdigest(),
        }
        return build_float_model(match_network(average, Path(name).stem), normalisation, labels, provenance)
    except FirebrickError as problem:
        raise FirebrickError(f"{name}: {problem}") from problem


def _input_shape(graph: Graph, size: tuple[int, int] | None) -> Shape:
    """The shape of an image, from the file and, where the file leaves rows or columns open, from ``size``."""
    channels, *sides = graph.sides[1:]
    if channels is None:
        raise FirebrickError(f"the input {graph.input[:60]!r} must have a fixed number of channels")
    if None in sides and size is None:
        raise FirebrickError(f"the input {graph.input[:60]!r} leaves rows or columns open; give --input HxW")
    height, width = (side if side is not None else size[axis] if size else 0 for axis, side in enumerate(sides))
    if not all(1 <= side <= NUMBER_MAX for side in (channels, height, width)):
        raise FirebrickError(f"the input must have sides from 1 to {NUMBER_MAX}, not {height}x{width}x{channels}")
    if size is not None and size != (height, width):
        raise FirebrickError(f"the input is {height}x{width} in the file, not {size[0]}x{size[1]}")
    return Shape(channels, height, width)


def _global_average(graph: Graph, image: FeatureNode) -> FeatureNode:
    """Translate the graph, node by node in dataflow order; returns the global average that its output comes from."""
    flow = Dataflow(graph, image)
    for node in graph.nodes:
        if any(name in flow.constants for name in node.outputs):
            continue  # evaluated when a convolution or a quantiser reads it
        translate = OPERATORS.get(node.operator)
        if translate is None:
            raise unsupported(node.where, f"this operator is not supported; supported are {', '.join(sorted(OPERATORS))}")
        if not node.outputs or not node.outputs[0]:
            raise unsupported(node.where, "has no output")
        max_inputs = MAX_INPUTS.get(node.operator, 1)
        if len(node.inputs) > max_inputs:
            raise unsupported(node.where, f"must have at most {max_inputs} input{'s' if max_inputs > 1 else ''}, not {len(node.inputs)}")
        flow.values[node.outputs[0]] = translate(flow, node)
    scores = flow.values.get(graph.output)
    if not isinstance(scores, Scores):
        end = graph.nodes[-1].where if graph.nodes else "the output"
        raise unsupported(end, "the graph must end with the average over all positions, and flattening or softmax after it")
    return scores.average
