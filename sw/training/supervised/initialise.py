# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The initial network of a training: one with random weights, or a pretrained one with a new last layer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import FirebrickError
from ...model.float_model import FloatModel
from ...model.quantized import Preprocessing
from ...network.graph import Conv, Fire, Network
from .float_module import INPUT_DIVISOR, random_parameters


def random_float_model(network: Network, preprocessing: Preprocessing, labels: Sequence[str], seed: int) -> FloatModel:
    """A randomly initialised network."""
    weights, biases = random_parameters(network, seed)
    first = next(iter(weights))
    weights[first] = weights[first] / np.float32(INPUT_DIVISOR)
    return FloatModel(network, weights, biases, preprocessing, tuple(labels))


def with_new_head(source: FloatModel, labels: Sequence[str], seed: int) -> FloatModel:
    """A pretrained network whose last convolution is randomly initialised, with a filter for each of the new classes.

    Raises FirebrickError unless the last stage before the average is a convolution.
    """
    *body, head, average = source.network.stages
    if not isinstance(head, Conv) or any(isinstance(stage, Fire) and stage.name == head.name for stage in body):
        raise FirebrickError(f"network {source.network.name}: the last stage before the average must be a convolution, to be replaced")
    network = replace(source.network, stages=(*body, replace(head, filters=len(labels)), average))
    weights, biases = random_parameters(network, seed)
    kept = [name for name in weights if name != head.name]
    return replace(
        source,
        network=network,
        weights=weights | {name: source.weights[name] for name in kept},
        biases=biases | {name: source.biases[name] for name in kept},
        labels=tuple(labels),
        codebook_weights={},
    )


def check_classes(source: FloatModel, labels: Sequence[str]) -> None:
    """Raise FirebrickError unless the classes are those of the network, in its order."""
    if tuple(labels) != source.labels:
        pairs = enumerate(zip(source.labels, labels, strict=False))
        different = ((index, ours, theirs) for index, (ours, theirs) in pairs if ours != theirs)
        where = next((f"; class {index} is {ours!r} there and {theirs!r} here" for index, ours, theirs in different), "")
        counts = f"{len(source.labels)} classes, the images are of {len(labels)}"
        raise FirebrickError(f"the network knows {counts}{where}; leave out --keep-head to learn these")
