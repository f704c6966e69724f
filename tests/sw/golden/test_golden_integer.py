# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The golden model against an oracle that is too simple to be wrong: nested loops over Python integers, which cannot overflow or round."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from firebrick.sw import golden
from firebrick.sw.errors import FirebrickError
from firebrick.sw.golden import integer
from firebrick.sw.model.quantized import Model, Preprocessing, QuantizedLayer
from firebrick.sw.network.graph import POOLS, Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from tests.helpers.random_models import family_network, random_frames, random_model

Planes = list[list[list[int]]]
"""Channels of rows of pixels."""


def slow_conv(planes: Planes, layer: QuantizedLayer, stride: int = 1, padding: int = 0) -> Planes:
    weights, biases = layer.codebook[layer.codes].tolist(), layer.bias.tolist()
    kernel, height, width = layer.codes.shape[2], len(planes[0]), len(planes[0][0])
    out: Planes = []
    for filter_weights, bias in zip(weights, biases, strict=True):
        rows = []
        for top in range(-padding, height + padding - kernel + 1, stride):
            row = []
            for left in range(-padding, width + padding - kernel + 1, stride):
                total = bias + (2 ** (layer.shift - 1) if layer.shift else 0)
                for channel, plane in enumerate(planes):
                    for y in range(max(0, -top), min(kernel, height - top)):
                        for x in range(max(0, -left), min(kernel, width - left)):
                            total += filter_weights[channel][y][x] * plane[top + y][left + x]
                row.append(min(255, max(0, total // 2**layer.shift)))
            rows.append(row)
        out.append(rows)
    return out


def slow_pool(planes: Planes) -> Planes:
    height, width = len(planes[0]), len(planes[0][0])

    def window(plane: list[list[int]], top: int, left: int) -> int:
        return max(max(row[left : left + 3]) for row in plane[top : top + 3])

    return [[[window(plane, top, left) for left in range(0, width - 1, 2)] for top in range(0, height - 1, 2)] for plane in planes]


def slow_run(model: Model, frame: Planes) -> list[int]:
    planes = frame
    for stage in model.network.stages:
        match stage:
            case Conv():
                planes = slow_conv(planes, model.layers[stage.name], stage.stride, stage.padding)
            case MaxPool():
                planes = slow_pool(planes)
            case Fire():
                squeezed = slow_conv(planes, model.layers[f"{stage.name}/squeeze1x1"])
                out: Planes = []
                if stage.expand1x1:
                    out += slow_conv(squeezed, model.layers[f"{stage.name}/expand1x1"])
                if stage.expand3x3:
                    out += slow_conv(squeezed, model.layers[f"{stage.name}/expand3x3"], padding=1)
                if stage.bypass is not Bypass.NONE:
                    skip = planes if stage.bypass is Bypass.SIMPLE else slow_conv(planes, model.layers[f"{stage.name}/bypass1x1"])
                    out = [
                        [[min(255, a + b) for a, b in zip(*rows, strict=True)] for rows in zip(*pair, strict=True)]
                        for pair in zip(out, skip, strict=True)
                    ]
                planes = out
            case GlobalAverage():
                return [sum(map(sum, plane)) for plane in planes]
    raise AssertionError("no average")


def one_layer(weight: int, bias: int, shift: int, channels: int = 512, kernel: int = 3) -> Model:
    """A network of one filter with equal weights whose kernel covers the whole input."""
    network = Network("one", Shape(channels, kernel, kernel), (Conv("conv1", 1, kernel), GlobalAverage("pool")))
    layer = QuantizedLayer(np.ones((1, channels, kernel, kernel), np.uint8), np.array([0, weight], np.int32), np.array([bias]), shift)
    model = Model(network, {"conv1": layer}, Preprocessing(kernel, (0.0, 0.0, 0.0)), ("a",), 1.0)
    model.verify()
    return model


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize("seed", range(12))
def test_golden_equals_nested_loops(seed: int, bypass: Bypass) -> None:
    rng = np.random.default_rng(seed)
    kernel = (1, 3, 7)[seed % 3]
    padding = int(rng.integers(0, min(kernel, 3)))
    height, width = (int(n) for n in rng.integers(kernel + 2, 13, 2))
    model = random_model(rng, height=height, width=width, kernel=kernel, padding=padding, fires=1 + seed % 2, bypass=bypass)
    frames = random_frames(rng, model, 2)
    assert golden.run(model, frames).tolist() == [slow_run(model, frame.tolist()) for frame in frames]


@pytest.mark.parametrize("weight", [2047, -2047])
@pytest.mark.parametrize("shift", [0, 23, 24])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_golden_is_exact_at_the_extremes(weight: int, shift: int, off: int) -> None:
    total = weight * 255 * 512 * 9
    rounding = 2 ** (shift - 1) if shift else 0
    for output in (0, 1, 128, 255, 256):  # the bias puts the sum just below, onto or just above a step of the output
        bias = max(-(2**31) + 1, min(2**31 - 1, (output << shift) - rounding - total + off))
        model = one_layer(weight, bias, shift)
        expected = min(255, max(0, (total + bias + rounding) >> shift))
        assert golden.run(model, np.full((1, 512, 3, 3), 255, np.uint8)).tolist() == [[expected]]


@pytest.mark.parametrize("weight", [2047, -2047])
@pytest.mark.parametrize("channels", range(14, 36))
def test_golden_is_exact_where_sums_outgrow_float32(channels: int, weight: int) -> None:
    total = weight * 255 * channels  # from below 2^23 to above 2^24, of both signs
    model = one_layer(weight, 101 - total, 0, channels, 1)
    assert golden.run(model, np.full((1, channels, 1, 1), 255, np.uint8)).tolist() == [[101]]


@pytest.mark.parametrize("seed", range(6))
def test_golden_gives_the_same_scores_in_blocks_of_any_size(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, family_network(rng, size=12))
    frames = random_frames(rng, model, 2)
    expected = golden.run(model, frames).tolist()
    for values in (1, 300, 1000):
        monkeypatch.setattr(integer, "BLOCK_VALUES", values)
        assert golden.run(model, frames).tolist() == expected


def test_golden_needs_little_memory_for_a_large_map() -> None:
    network = Network("large", Shape(1, 1024, 1024), (Conv("conv1", 1, 11, padding=5), GlobalAverage("pool")))
    model = random_model(np.random.default_rng(0), Network("small", Shape(1, 16, 16), network.stages))
    tracemalloc.start()
    golden.run(replace(model, network=network), np.zeros((1, 1, 1024, 1024), np.uint8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 << 20  # the whole operand of the matrix product would take a gigabyte


def test_golden_rounds_halves_up() -> None:
    for bias, expected in ((1, 0), (2, 1), (5, 1), (6, 2), (-2, 0), (1018, 255), (5000, 255)):
        assert golden.run(one_layer(0, bias, 2, 1, 1), np.zeros((1, 1, 1, 1), np.uint8)).tolist() == [[expected]]


def test_golden_accumulates_through_negative_partial_sums() -> None:
    network = Network("two", Shape(2, 1, 1), (Conv("conv1", 1, 1), GlobalAverage("pool")))
    layer = QuantizedLayer(np.array([1, 2], np.uint8).reshape(1, 2, 1, 1), np.array([0, -2047, 2047, 0], np.int32), np.array([7]), 0)
    model = Model(network, {"conv1": layer}, Preprocessing(1, (0.0, 0.0, 0.0)), ("a",), 1.0)
    assert golden.run(model, np.full((1, 2, 1, 1), 255, np.uint8)).tolist() == [[7]]


@pytest.mark.parametrize("length", range(3, 12))
def test_golden_pools_only_existing_pixels(length: int) -> None:
    maps = np.random.default_rng(length).integers(0, 256, (2, 3, length, 14 - length), dtype=np.uint8)
    assert golden.max_pool(maps, MaxPool("pool")).tolist() == [slow_pool(frame.tolist()) for frame in maps]


@pytest.mark.parametrize("settings", POOLS)
@pytest.mark.parametrize("length", range(3, 12))
def test_golden_pools_as_pytorch_does(length: int, settings: tuple[int, int, bool]) -> None:
    torch = pytest.importorskip("torch")
    kernel, padding, ceil = settings
    maps = np.random.default_rng(length).integers(0, 256, (2, 3, length, 14 - length), dtype=np.uint8)
    floats = torch.nn.functional.max_pool2d(torch.from_numpy(maps.astype(np.float32)), kernel, 2, padding, ceil_mode=ceil)
    np.testing.assert_array_equal(golden.max_pool(maps, MaxPool("pool", *settings)), floats.numpy())


@pytest.mark.parametrize("settings", POOLS)
@pytest.mark.parametrize("length", range(3, 12))
def test_golden_pools_as_onnxruntime_does(length: int, settings: tuple[int, int, bool]) -> None:
    onnxruntime, onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("onnx")
    kernel, padding, ceil = settings
    maps = np.random.default_rng(length).integers(0, 256, (2, 3, length, 14 - length), dtype=np.uint8)
    pooled = golden.max_pool(maps, MaxPool("pool", *settings))
    node = onnx.helper.make_node(
        "MaxPool", ["x"], ["y"], kernel_shape=[kernel] * 2, strides=[2, 2], pads=[padding] * 4, ceil_mode=int(ceil)
    )
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None) for name in "xy"]
    ends[0].CopyFrom(onnx.helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, maps.shape))
    graph = onnx.helper.make_graph([node], "pool", ends[:1], ends[1:])
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(pooled, session.run(None, {"x": maps})[0], strict=True)


@pytest.mark.parametrize("bypass", list(Bypass))
def test_golden_taps_every_layer_in_order_with_its_shape(bypass: Bypass) -> None:
    model = random_model(np.random.default_rng(2), fires=2, bypass=bypass)
    tapped: dict[str, tuple[int, ...]] = {}

    def tap(name: str, maps: golden.FeatureMaps) -> None:
        assert maps.dtype == np.uint8
        tapped[name] = maps.shape

    golden.run(model, random_frames(np.random.default_rng(3), model, 2), tap)
    for layer in model.network.layers():
        assert tapped[layer.name] == (2, layer.output.channels, layer.output.height, layer.output.width)
    assert [name for name in tapped if name in model.layers] == list(model.layers)
    stages = [stage.name for stage in model.network.stages if isinstance(stage, MaxPool | Fire)]
    assert set(tapped) == {*model.layers, *stages}


def test_golden_handles_frames_one_by_one() -> None:
    model = random_model(np.random.default_rng(4))
    frames = random_frames(np.random.default_rng(5), model, 5)
    together = golden.run(model, frames)
    assert together.shape == (5, model.network.classes)
    np.testing.assert_array_equal(together, np.concatenate([golden.run(model, frame[None]) for frame in frames]))
    assert golden.run(model, frames[:0]).shape == (0, model.network.classes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frames: frames.astype(np.float32),
        lambda frames: frames.astype(np.int8),
        lambda frames: frames[0],
        lambda frames: frames[:, :2],
        lambda frames: frames[:, :, 1:],
        lambda frames: frames[..., 1:],
    ],
)
def test_golden_rejects_frames_of_another_kind(spoil: Callable[[golden.FeatureMaps], golden.FeatureMaps]) -> None:
    model = random_model(np.random.default_rng(6))
    with pytest.raises(FirebrickError, match="frames must be bytes of shape"):
        golden.run(model, spoil(random_frames(np.random.default_rng(6), model, 1)))


@pytest.mark.parametrize("seed", range(30))
def test_golden_activations_of_generated_models_stay_alive(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, density=0.4)
    shape = model.network.input
    frames = rng.integers(0, 256, (4, shape.channels, shape.height, shape.width), dtype=np.uint8)
    dead: list[str] = []

    def tap(name: str, maps: golden.FeatureMaps) -> None:
        if not maps.any() or (maps == 255).all():
            dead.append(name)

    golden.run(model, frames, tap)
    assert not dead
