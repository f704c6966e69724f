# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network of the family from an ONNX file, as torchvision exports it or the ONNX model zoo publishes it.

Names and node order do not matter. Quantised files (QuantizeLinear, DequantizeLinear) give the float network that they stand for:
weights are dequantised, and activations are not rounded.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.metadata import NUMBER_MAX
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.network.graph import Shape
from firebrick.sw.utils.atomic_files import read_limited

from ..feature_graph import CHANNELS_FIRST, CHANNELS_LAST, FeatureNode, input_node, printable, unsupported
from ..fire_matcher import match_network
from ..normalisation import TORCH, Normalisation, build_float_model
from .classifier_head import Scores
from .dataflow import Dataflow
from .embedded_normalisation import embedded_normalisation, quantised_normalisation
from .graph import BYTES_MAX, Graph, read_graph
from .metadata import read_metadata
from .operators import MAX_INPUTS, OPERATORS, refusal


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

    Where the graph itself normalises its input, this is the normalisation; another one in ``normalisation`` is refused.

    Raises FirebrickError when the file cannot be read, is damaged, or holds anything but a network of the family; the sentence names the
    node and what is supported.
    """
    data = read_limited(path, BYTES_MAX + 1, "an ONNX file")
    return onnx_model(data, path.name, normalisation, labels, size, path.parent)


def onnx_model(
    data: bytes,
    name: str,
    normalisation: Normalisation | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    folder: Path | None = None,
) -> FloatModel:
    """The network in an ONNX file's bytes; ``name`` is for messages, and in ``folder`` lie its external data.

    Raises FirebrickError as `import_onnx` does.
    """
    name = printable(name)
    try:
        if len(data) > BYTES_MAX:
            raise FirebrickError(f"an ONNX file must have at most {BYTES_MAX} bytes")
        graph = read_graph(data, folder)
        axes = _axes(graph)
        shape = _input_shape(graph, axes, size)
        embedded = read_metadata(graph.properties, shape)
        usual = normalisation or (embedded.normalisation if embedded else replace(TORCH, assumed=True))
        labels = labels or (embedded.labels if embedded else None)
        flow = Dataflow(graph, input_node(shape, not any(usual.mean) or graph.takes_bytes, axes))
        matched = match_network(_global_average(graph, flow), Path(name).stem)
        matched.changes += [f"{count} quantisers {what} are left out; activations have 8 bits" for what, count in flow.coarse.items()]
        computed = embedded_normalisation(matched.input_affine, graph.takes_bytes, shape.channels, normalisation)
        if computed is None and flow.input_range is not None:
            computed = quantised_normalisation(flow.input_range, usual, normalisation)
        provenance = (embedded.metadata if embedded else {}) | {
            "name": name,
            "source": f"an ONNX file made by {graph.producer}",
            "source sha256": hashlib.sha256(data).hexdigest(),
        }
        digests = flow.constants.reader.digests()
        if digests:
            provenance["weights sha256"] = ", ".join(digests.values())
        return build_float_model(matched, computed or usual, labels, provenance)
    except FirebrickError as problem:
        raise FirebrickError(f"{name}: {problem}") from problem


def _axes(graph: Graph) -> tuple[int, ...]:
    """The order of the input's axes: channels first, unless only the last axis may be that of channels."""
    last_only = graph.sides[3] in (1, 3) and graph.sides[1] not in (1, 3)
    return CHANNELS_LAST if last_only else CHANNELS_FIRST


def _input_shape(graph: Graph, axes: tuple[int, ...], size: tuple[int, int] | None) -> Shape:
    """The shape of an image, from the file and, where the file leaves rows or columns open, from ``size``."""
    channels, *sides = (graph.sides[axes.index(axis)] for axis in (1, 2, 3))
    channels = channels or _first_weights_channels(graph)
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


def _first_weights_channels(graph: Graph) -> int | None:
    """Input channels of the first convolution, for files that leave even the image's channels open; None where they are computed."""
    weights = next((node.input(1) for node in graph.nodes if node.operator == "Conv"), "")
    tensor = graph.tensors.get(weights)
    return int(tensor.dims[1]) if tensor is not None and len(tensor.dims) == 4 else None


def _global_average(graph: Graph, flow: Dataflow) -> FeatureNode:
    """Translate the graph, node by node in dataflow order; returns the global average that its output comes from."""
    for node in graph.nodes:
        if any(name in flow.constants for name in node.outputs):
            continue  # evaluated when another node reads it
        translate = OPERATORS.get(node.operator)
        if translate is None:
            raise unsupported(node.where, refusal(node.operator))
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
