# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network of the family from a ``.caffemodel`` file, which holds weights and layers, so that no prototxt is needed.

Caffe's input is BGR bytes minus a mean. Its pooling rounds the output size up. A layer may work in place: its output then has the name
of its input, and layers after it read the new value.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.metadata import NUMBER_MAX
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.network.graph import Shape
from firebrick.sw.network.limits import WEIGHTS_MAX
from firebrick.sw.utils.atomic_files import read_limited
from firebrick.sw.utils.distribution import install_extra

from .. import feature_graph
from ..feature_graph import FeatureNode, Operation, describe_operator, printable, unsupported
from ..filters import Filters
from ..fire_matcher import match_network
from ..normalisation import CAFFE, Normalisation, build_float_model, with_input_affine
from ..onnx.graph import BYTES_MAX
from .affine_layers import AFFINE_LAYERS
from .proto import net_class

DEFAULT_SIDE = 227
"""Rows and columns of an image where neither user nor file gives them."""
_ROUND_CEIL, _POOL_MAX, _POOL_AVERAGE, _ELTWISE_SUM = 0, 0, 1, 1  # values of Caffe's enumerations
_INPUT_LAYERS = ("Input", "Data", "ImageData", "HDF5Data", "MemoryData", "DummyData")
_AFTER_AVERAGE = ("Dropout", "Flatten", "ReLU", "Split")
"""Layers that may read the average, besides those that are ignored."""
_IGNORED = ("Softmax", "SoftmaxWithLoss", "Accuracy", "Silence")
"""Layers that end a network and change no scores."""


def import_caffe(
    path: Path,
    normalisation: Normalisation | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> FloatModel:
    """The network in a ``.caffemodel`` file.

    Args:
        path: the file.
        normalisation: how training normalised images; None for mean and scale of the file, or Caffe's usual ones where it has none.
        labels: names of the classes; None for ImageNet's where there are 1000 classes.
        size: rows and columns of an image; None for those of the file, or DEFAULT_SIDE.

    Raises FirebrickError when the file cannot be read, is damaged, or holds anything but a network of the family.
    """
    data = read_limited(path, BYTES_MAX + 1, "a .caffemodel file")
    return caffe_model(data, path.name, normalisation, labels, size)


def caffe_model(
    data: bytes,
    name: str,
    normalisation: Normalisation | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> FloatModel:
    """The network in a ``.caffemodel`` file's bytes; ``name`` is for messages. Arguments and errors are those of `import_caffe`."""
    name = printable(name)
    try:
        reader = _LayerReader(_parse(data), size)
        provenance = {"name": name, "source": "a .caffemodel file of Caffe", "source sha256": hashlib.sha256(data).hexdigest()}
        matched = match_network(reader.global_average(), Path(name).stem)
        if normalisation is None and reader.mean_file:
            mean_file = printable(reader.mean_file, 60)
            raise FirebrickError(f"the mean of its training images is in another file, {mean_file!r}; give their mean colour: --mean R,G,B")
        return build_float_model(matched, with_input_affine(normalisation or reader.normalisation, matched), labels, provenance)
    except FirebrickError as problem:
        raise FirebrickError(f"{name}: {problem}") from problem


def _parse(data: bytes) -> Any:
    try:
        from google.protobuf.message import DecodeError

        net = net_class()()
    except ImportError as error:
        raise FirebrickError(f"Caffe files need the package protobuf; {install_extra('onnx')}") from error
    if len(data) > BYTES_MAX:
        raise FirebrickError(f"a .caffemodel file must have at most {BYTES_MAX} bytes")
    try:
        net.ParseFromString(data)
    except DecodeError as error:
        raise FirebrickError("no complete .caffemodel file; copy it anew") from error
    if net.layers and not net.layer:
        raise FirebrickError("is of Caffe's old format; upgrade it with Caffe's upgrade_net_proto_binary")
    return net


class _LayerReader:
    """Translates the layers, which a file lists in dataflow order, to nodes of the feature graph."""

    def __init__(self, net: Any, size: tuple[int, int] | None) -> None:
        self.net = net
        self.size = size
        self.normalisation = replace(CAFFE, assumed=True)
        self.mean_file = ""
        self.values: dict[str, FeatureNode] = {}
        self.averages: list[FeatureNode] = []
        self.weights_read = 0

    def global_average(self) -> FeatureNode:
        """Translate all layers; returns the one global average among them."""
        if self.net.input:
            dims = self.net.input_shape[0].dim if self.net.input_shape else self.net.input_dim
            self.values[self.net.input[0]] = self.image("the input", list(dims))
        for layer in self.net.layer:
            where = describe_operator("layer", layer.name, layer.type)
            if layer.type in _IGNORED:
                continue
            translate = _LAYERS.get(layer.type)
            if translate is None:
                raise unsupported(where, f"this type is not supported; supported are {', '.join(sorted([*_LAYERS, *_IGNORED]))}")
            if not layer.top:
                raise unsupported(where, "has no output")
            value = translate(self, where, layer)
            for top in layer.top if layer.type == "Split" else layer.top[:1]:
                self.values[top] = value
        if len(self.averages) != 1:
            raise FirebrickError(f"a network must have one average over all positions, not {len(self.averages)}")
        return self.averages[0]

    def image(self, where: str, dims: list[int]) -> FeatureNode:
        """The input; ``dims`` are images, channels, rows and columns, or fewer where the file does not give them."""
        sides = dims[2:4]
        height, width = self.size or (tuple(sides) if len(sides) == 2 and all(sides) else (DEFAULT_SIDE, DEFAULT_SIDE))
        if not all(1 <= side <= NUMBER_MAX for side in (height, width)):
            raise unsupported(where, f"an image must have sides from 1 to {NUMBER_MAX}, not {height}x{width}")
        return feature_graph.input_node(Shape(dims[1] if len(dims) == 4 else self.channels(), height, width), nonnegative=False)

    def channels(self) -> int:
        """Those of the first convolution's weights: a data layer does not tell whether its images are grey."""
        for layer in self.net.layer:
            if layer.type == "Convolution" and layer.blobs:
                blob = layer.blobs[0]
                dims = list(blob.shape.dim) if blob.HasField("shape") else [blob.num, blob.channels, blob.height, blob.width]
                return dims[1] if len(dims) == 4 and dims[1] in (1, 3) else 3
        return 3

    def source(self, where: str, layer: Any, index: int = 0) -> FeatureNode:
        name = layer.bottom[index] if index < len(layer.bottom) else ""
        if name not in self.values:
            raise unsupported(where, f"reads {name[:60]!r}, which no layer before it computes")
        value = self.values[name]
        if value.operation is Operation.AVERAGE and layer.type not in _AFTER_AVERAGE:
            raise unsupported(where, f"must not come after the average over all positions; {', '.join(_AFTER_AVERAGE)} may")
        return value

    def input_layer(self, where: str, layer: Any) -> FeatureNode:
        transform = layer.transform_param
        self.mean_file = transform.mean_file
        if transform.mean_value or transform.HasField("scale"):
            self.normalisation = self.transformation(where, transform)
        dims = list(layer.input_param.shape[0].dim) if layer.input_param.shape else []
        return self.image(where, dims if len(dims) == 4 else [1, self.channels(), transform.crop_size, transform.crop_size])

    def transformation(self, where: str, transform: Any) -> Normalisation:
        """Caffe's ``scale * (byte - mean)``, with one mean for all channels or one for each; without a mean, none is subtracted."""
        means = list(transform.mean_value) or [0.0]
        if len(means) not in (1, 3):
            raise unsupported(where, f"must have one mean_value or three, not {len(means)}")
        if transform.HasField("scale") and not 0 < transform.scale < inf:
            raise unsupported(where, f"scale must be positive, not {transform.scale:g}")
        blue, green, red = means * (3 // len(means))
        std = 1 / transform.scale if transform.HasField("scale") else 1.0
        return Normalisation((red, green, blue), (std, std, std), bgr=True)

    def convolution(self, where: str, layer: Any) -> FeatureNode:
        source, settings = self.source(where, layer), layer.convolution_param
        if not 1 <= len(layer.blobs) <= 2:
            raise unsupported(where, f"must have weights and biases, not {len(layer.blobs)} blobs")
        weights = self.blob(where, layer.blobs[0])
        if weights.ndim != 4:
            raise unsupported(where, f"weights must have four axes, not {weights.ndim}")
        bias = self.blob(where, layer.blobs[1]).reshape(-1) if len(layer.blobs) == 2 else np.zeros(len(weights), np.float32)
        if (settings.HasField("group") and settings.group != 1) or any(dilation != 1 for dilation in settings.dilation):
            raise unsupported(where, "must have one group and no dilation")
        kernel = _pair(settings.kernel_size, settings, "kernel", 0)
        if any(kernel) and kernel != list(weights.shape[2:]):
            raise unsupported(where, f"kernel {kernel} must be that of the weights, {list(weights.shape[2:])}")
        pad = _pair(settings.pad, settings, "pad", 0)
        return feature_graph.conv(where, source, Filters(weights, bias), _pair(settings.stride, settings, "stride", 1), [*pad, *pad])

    def relu(self, where: str, layer: Any) -> FeatureNode:
        if layer.relu_param.negative_slope:
            raise unsupported(where, f"negative_slope must be 0, not {layer.relu_param.negative_slope}")
        return feature_graph.relu(where, self.source(where, layer))

    def pooling(self, where: str, layer: Any) -> FeatureNode:
        source, settings = self.source(where, layer), layer.pooling_param
        kernel, stride, pad = (
            _pair([getattr(settings, field)] if settings.HasField(field) else [], settings, short, default)
            for field, short, default in (("kernel_size", "kernel", 0), ("stride", "stride", 1), ("pad", "pad", 0))
        )
        if settings.global_pooling:
            kernel, stride, pad = [source.shape.height, source.shape.width], [1, 1], [0, 0]
        if settings.pool == _POOL_MAX:
            return feature_graph.max_pool(where, source, kernel, stride, [*pad, *pad], settings.round_mode == _ROUND_CEIL)
        if settings.pool != _POOL_AVERAGE or kernel != [source.shape.height, source.shape.width] or any(pad):
            raise unsupported(where, f"must be max pooling, or the average of the whole map, {source.shape}, without padding")
        self.averages.append(feature_graph.average(where, source))
        return self.averages[-1]

    def concat(self, where: str, layer: Any) -> FeatureNode:
        settings = layer.concat_param
        if (settings.HasField("axis") and settings.axis not in (1, -3)) or (settings.HasField("concat_dim") and settings.concat_dim != 1):
            raise unsupported(where, "must join channels, axis 1")
        if not layer.bottom:
            raise unsupported(where, "must join something")
        return feature_graph.concat(where, [self.source(where, layer, index) for index in range(len(layer.bottom))])

    def eltwise(self, where: str, layer: Any) -> FeatureNode:
        settings = layer.eltwise_param
        if (settings.HasField("operation") and settings.operation != _ELTWISE_SUM) or any(factor != 1 for factor in settings.coeff):
            raise unsupported(where, "must be a sum without coefficients")
        if len(layer.bottom) != 2:
            raise unsupported(where, f"must add two maps, not {len(layer.bottom)}")
        return feature_graph.add(where, self.source(where, layer, 0), self.source(where, layer, 1))

    def blob(self, where: str, blob: Any) -> NDArray[np.float32]:
        shape = list(blob.shape.dim) if blob.HasField("shape") else [blob.num, blob.channels, blob.height, blob.width]
        data = blob.data or blob.double_data
        if min(shape, default=1) < 0 or prod(shape) != len(data) or len(shape) > 4:
            raise unsupported(where, f"{len(data)} numbers do not fit the shape {shape[:8]}; copy the file anew")
        self.weights_read += len(data)
        if self.weights_read > WEIGHTS_MAX:
            raise unsupported(where, f"all layers together must have at most {WEIGHTS_MAX} weights")
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.array(data, np.float64).astype(np.float32).reshape(shape)
        if not np.isfinite(array).all():
            raise unsupported(where, "weights and biases must be finite")
        return array


def _pair(values: Sequence[int], settings: Any, name: str, default: int) -> list[int]:
    """A setting for rows and columns, which a file may give once, twice or by axis."""
    if settings.HasField(f"{name}_h") or settings.HasField(f"{name}_w"):
        return [getattr(settings, f"{name}_h"), getattr(settings, f"{name}_w")]
    return (list(values) * 2 if len(values) == 1 else list(values)) or [default] * 2


_LAYERS: dict[str, Callable[[_LayerReader, str, Any], FeatureNode]] = {
    "Concat": _LayerReader.concat,
    "Convolution": _LayerReader.convolution,
    "Dropout": _LayerReader.source,
    "Eltwise": _LayerReader.eltwise,
    "Flatten": _LayerReader.source,
    "Pooling": _LayerReader.pooling,
    "ReLU": _LayerReader.relu,
    "Split": _LayerReader.source,
    **AFFINE_LAYERS,
    **dict.fromkeys(_INPUT_LAYERS, _LayerReader.input_layer),
}
