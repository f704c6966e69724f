# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Small random networks of the family, random integer models of them, and random frames for tests.

Everything is a function of the given NumPy generator, so the seed in a test's id is enough to repeat it.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from firebrick.sw import golden
from firebrick.sw.model.quantized import CENTROID_BITS, SHIFT_MAX, Model, Preprocessing, QuantizedLayer
from firebrick.sw.network.graph import (
    POOLS,
    Bypass,
    Conv,
    Fire,
    GlobalAverage,
    Layer,
    LinearConv,
    MaxPool,
    Network,
    Shape,
    Stage,
    stage_layers,
)
from firebrick.sw.network.run_stages import run_fire

_DENSITIES = (0.0, 0.02, 0.1, 0.33, 0.33, 0.5, 0.5, 0.8, 1.0, 1.0)
_CENTROID_LIMITS = (3, 40, 300, (1 << (CENTROID_BITS - 1)) - 1)


def random_network(
    rng: np.random.Generator,
    *,
    height: int | None = None,
    width: int | None = None,
    channels: int = 3,
    filters: int | None = None,
    kernel: int | None = None,
    stride: int | None = None,
    padding: int = 0,
    fires: int | None = None,
    pools: bool | None = None,
    classes: int | None = None,
    bypass: Bypass = Bypass.NONE,
    signed: bool = False,
    any_pools: bool = False,
) -> Network:
    """A legal network: conv1, Fire modules (0 to 3) with pools in between, a 1x1 conv10 and the average; None draws a value at random.

    With ``signed``, conv10 has no ReLU.
    Images have 3 to 31 rows and columns and are rarely square. ``pools`` True puts a pool wherever one fits, False nowhere;
    ``any_pools`` draws pools of every kind instead of the paper's. With a simple bypass, each Fire module has as many outputs as inputs.
    """
    kernel = int(rng.choice([1, 3, 7])) if kernel is None else kernel
    stride = int(rng.integers(1, 3)) if stride is None else stride
    min_side = max(3, kernel - 2 * padding)
    height = int(rng.integers(min_side, 32)) if height is None else height
    width = int(rng.integers(min_side, 32)) if width is None else width
    filters = int(rng.integers(1, 13)) if filters is None else filters
    stages: list[Stage] = [Conv("conv1", filters, kernel, stride, padding)]

    def pool(index: int) -> None:
        shape = Network("partial", Shape(channels, height, width), tuple(stages)).shapes()[-1]
        drawn = random_pool(rng, f"pool{index}") if any_pools else MaxPool(f"pool{index}")
        if min(shape.height, shape.width) >= drawn.min_length and (rng.random() < 0.6 if pools is None else pools):
            stages.append(drawn)

    pool(1)
    outputs = filters
    for index in range(2, 2 + (int(rng.integers(0, 4)) if fires is None else fires)):
        expand1x1, expand3x3 = (int(n) for n in rng.integers(1, 10, 2))
        if bypass is Bypass.SIMPLE:
            expand1x1 = int(rng.integers(0, outputs + 1))
            expand3x3 = outputs - expand1x1
        elif rng.random() < 0.3:
            expand1x1, expand3x3 = (0, expand3x3) if rng.random() < 0.5 else (expand1x1, 0)
        stages.append(Fire(f"fire{index}", int(rng.integers(1, 7)), expand1x1, expand3x3, bypass))
        outputs = expand1x1 + expand3x3
        pool(index)
    last = LinearConv if signed else Conv
    stages += [last("conv10", int(rng.integers(1, 21)) if classes is None else classes, 1), GlobalAverage("pool10")]
    network = Network("random", Shape(channels, height, width), tuple(stages))
    network.verify()
    return network


def family_network(rng: np.random.Generator, *, size: int = 7, stages: int = 4, filters: int = 5) -> Network:
    """Any network of the family whose first stage is a convolution; ``size`` bounds rows and columns, ``filters`` the filters of a type.

    This includes maps of a single pixel, strides larger than the kernel, convolutions anywhere, consecutive pools, pools at the end, every
    bypass, Fire modules with only one type of expand filters, and layers with a single filter.
    """
    height, width = (int(length) for length in rng.integers(1, size + 1, 2))
    shape = Shape(int(rng.integers(1, 5)), height, width)
    chosen: list[Stage] = []

    def filter_count() -> int:
        return int(rng.integers(1, filters + 1)) if rng.random() < 0.8 else 1

    for number in range(1 + int(rng.integers(0, stages))):
        shape_here = Network("partial", shape, tuple(chosen)).shapes()[-1]
        stage_type = rng.choice(["conv", "fire", "fire", "pool"]) if number else "conv"
        pool = random_pool(rng, f"pool{number}")
        if stage_type == "pool" and min(shape_here.height, shape_here.width) >= pool.min_length:
            chosen.append(pool)
        elif stage_type == "conv":
            kernel = int(rng.integers(1, 6))
            padding = int(rng.integers(0, kernel)) if rng.random() < 0.5 else 0
            kernel = min(kernel, min(shape_here.height, shape_here.width) + 2 * padding)
            chosen.append(Conv(f"conv{number}", filter_count(), kernel, int(rng.integers(1, 4)), min(padding, kernel - 1)))
        else:
            bypass = rng.choice(list(Bypass))
            expand1x1, expand3x3 = filter_count(), filter_count()
            if bypass == Bypass.SIMPLE:
                expand1x1 = int(rng.integers(0, shape_here.channels + 1))
                expand3x3 = shape_here.channels - expand1x1
            elif rng.random() < 0.3:
                expand1x1, expand3x3 = (0, expand3x3) if rng.random() < 0.5 else (expand1x1, 0)
            chosen.append(Fire(f"fire{number}", filter_count(), expand1x1, expand3x3, Bypass(bypass)))
    network = Network("family", shape, (*chosen, GlobalAverage("average")))
    network.verify()
    return network


def random_pool(rng: np.random.Generator, name: str) -> MaxPool:
    """Any pool of the family, half the time the paper's."""
    return MaxPool(name) if rng.random() < 0.5 else MaxPool(name, *POOLS[rng.integers(len(POOLS))])


def random_model(
    rng: np.random.Generator,
    network: Network | None = None,
    *,
    bits: int | None = None,
    density: float | None = None,
    **overrides: Any,
) -> Model:
    """A legal model whose activations stay alive: biases and shifts are set from a random frame, layer by layer.

    The zero point of signed scores is the median of the last feature maps, so that about half of the scores are negative.
    ``bits`` (2 to 8) and ``density`` (0 to 1, fraction of non-zero weights) are drawn for each layer when None. ``overrides`` go to
    `random_network` when no ``network`` is given.
    """
    network = random_network(rng, **overrides) if network is None else network
    layers: dict[str, QuantizedLayer] = {}
    shape = network.input
    maps: golden.FeatureMaps = rng.integers(0, 256, (2, shape.channels, shape.height, shape.width), dtype=np.uint8)
    for stage, shape in zip(network.stages, network.shapes(), strict=False):
        limit = int(rng.choice(_CENTROID_LIMITS))  # one for a stage, as both types of expand filters have the same shift
        convs = stage_layers(stage, shape)
        drawn = {layer.name.rpartition("/")[2]: (layer, _random_weights(rng, layer, limit, bits, density)) for layer in convs}
        match stage:
            case Conv(name=name):
                layers |= (alive := _alive(rng, {name: drawn[name]}, maps))
                maps = golden.convolve(maps, alive[name], stride=stage.stride, padding=stage.padding)
            case MaxPool():
                maps = golden.max_pool(maps, stage)
            case Fire():
                fire = _alive(rng, {"squeeze1x1": drawn.pop("squeeze1x1")}, maps)
                squeezed = golden.convolve(maps, fire[f"{stage.name}/squeeze1x1"])
                bypass = {part: drawn.pop(part) for part in list(drawn) if part == "bypass1x1"}
                fire |= _alive(rng, drawn, squeezed)
                if bypass:
                    fire |= _alive(rng, bypass, maps)
                layers |= fire
                maps = run_fire(stage, maps, golden.IntegerOperations(layers))
            case GlobalAverage():
                pass
    labels = tuple(f"class {index}" for index in range(network.classes))
    mean = (float(rng.integers(0, 256)), 117.5, 122.67891434)
    preprocessing = Preprocessing(int(rng.integers(1, 300)), mean)
    zero_point = int(np.clip(np.median(maps), 1, 254)) if network.signed_scores else 0
    model = Model(network, layers, preprocessing, labels, float(rng.uniform(1e-6, 1)), {"licence": "none"}, zero_point)
    model.verify()
    return model


def random_frames(rng: np.random.Generator, model: Model, count: int) -> NDArray[np.uint8]:
    """Frames for the model, shape (count, channels, height, width): noise, extremes, single pixels and ramps, mixed at random."""
    shape = (model.network.input.channels, model.network.input.height, model.network.input.width)
    frames = np.empty((count, *shape), np.uint8)
    for frame in frames:
        match int(rng.integers(0, 8)):
            case 0:
                frame[:] = 255
            case 1:
                frame[:] = 0
                frame[tuple(rng.integers(0, shape))] = 255
            case 2:
                frame[:] = np.add.outer(np.arange(shape[1]) * 7, np.arange(shape[2]) * 5) + rng.integers(0, 256)
            case 3:
                frame[:] = rng.integers(0, 2, shape) * 255
            case _:
                frame[:] = rng.integers(0, 256, shape)
    return frames


def _random_weights(rng: np.random.Generator, layer: Layer, limit: int, bits: int | None, density: float | None) -> QuantizedLayer:
    bits = int(rng.integers(2, 9)) if bits is None else bits
    density = float(rng.choice(_DENSITIES)) if density is None else density
    codebook = np.concatenate([[0], rng.integers(-limit, limit + 1, (1 << bits) - 1)]).astype(np.int32)
    likely = rng.dirichlet(np.full((1 << bits) - 1, 0.5))  # skewed, so that Huffman coding has an effect
    codes = rng.choice(np.arange(1, 1 << bits), layer.weight_shape, p=likely) * (rng.random(layer.weight_shape) < density)
    return QuantizedLayer(codes.astype(np.uint8), codebook, np.zeros(layer.conv.filters, np.int64), 0)


def _alive(rng: np.random.Generator, parts: dict[str, tuple[Layer, QuantizedLayer]], maps: golden.FeatureMaps) -> dict[str, QuantizedLayer]:
    """The layers, which read the same maps, by full name; biases and their one shift leave outputs neither all 0 nor all 255."""
    biases, tops = {}, [0.0]
    all_sums = [_sums(layer, quantized, maps) for layer, quantized in parts.values()]
    spread = max(50.0, *(float(sums.std()) for sums in all_sums))
    for (layer, _), sums in zip(parts.values(), all_sums, strict=True):
        lift = np.concatenate([rng.uniform(0.2, 1.5, 1), rng.normal(0.7, 0.7, layer.conv.filters - 1)])
        biases[layer.name] = (lift * spread - sums.mean(axis=1)).astype(np.int64)
        tops.append(float(np.quantile(sums + biases[layer.name][:, None], 0.97)))
    shift = min(SHIFT_MAX, max(0, round(np.log2(max(tops) / 255 + 1e-9))))
    return {layer.name: QuantizedLayer(drawn.codes, drawn.codebook, biases[layer.name], shift) for layer, drawn in parts.values()}


def _sums(layer: Layer, quantized: QuantizedLayer, maps: golden.FeatureMaps) -> NDArray[np.float64]:
    """Every sum of products of each filter, shape (filters, positions of all frames)."""
    conv, around = layer.conv, layer.conv.padding
    padded = np.pad(maps, ((0, 0), (0, 0), (around, around), (around, around)))
    windows = sliding_window_view(padded, (conv.kernel, conv.kernel), axis=(2, 3))[:, :, :: conv.stride, :: conv.stride]
    sums = np.einsum("nchwyx,fcyx->fnhw", windows.astype(float), quantized.weights.astype(float))
    return np.asarray(sums, np.float64).reshape(conv.filters, -1)
