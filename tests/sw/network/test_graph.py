# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Networks: shapes, counts and everything that `verify` rejects; the presets have the numbers of the paper's Table 1."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.network.graph import POOLS, Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage
from firebrick.sw.network.presets import PRESETS, squeezenet1_0, squeezenet1_1
from firebrick.sw.network.stored_fields import stored_fields
from tests.helpers.random_models import random_network

TABLE1 = {
    "conv1": 14_208,
    "fire2": 11_920,
    "fire3": 12_432,
    "fire4": 45_344,
    "fire5": 49_440,
    "fire6": 104_880,
    "fire7": 111_024,
    "fire8": 188_992,
    "fire9": 197_184,
    "conv10": 513_000,
}
END = GlobalAverage("end")
SIZE = Shape(3, 9, 9)


def network(*stages: Stage, size: Shape = SIZE) -> Network:
    return Network("test", size, stages)


@pytest.mark.parametrize(("name", "parameters"), TABLE1.items())
def test_presets_v1_0_has_the_parameters_of_table_1(name: str, parameters: int) -> None:
    layers = squeezenet1_0().layers()
    assert sum(layer.parameters for layer in layers if layer.name.partition("/")[0] == name) == parameters


def test_presets_have_the_published_totals() -> None:
    first, second = squeezenet1_0(), squeezenet1_1()
    assert sum(layer.parameters for layer in first.layers()) == sum(TABLE1.values()) == 1_248_424
    assert sum(layer.weights for layer in first.layers()) == 1_244_448
    assert sum(layer.parameters for layer in second.layers()) == 1_235_496
    assert sum(layer.weights for layer in second.layers()) == 1_231_552
    assert len(first.layers()) == len(second.layers()) == 26


@pytest.mark.parametrize(
    ("make", "size", "sides", "millions"),
    [
        (squeezenet1_0, 227, [227, 111, 55, 55, 55, 55, 27, 27, 27, 27, 27, 13, 13, 13, 1], None),
        (squeezenet1_0, 224, [224, 109, 54, 54, 54, 54, 27, 27, 27, 27, 27, 13, 13, 13, 1], 818.9),
        (squeezenet1_1, 227, [227, 113, 56, 56, 56, 28, 28, 28, 14, 14, 14, 14, 14, 14, 1], None),
        (squeezenet1_1, 224, [224, 111, 55, 55, 55, 27, 27, 27, 13, 13, 13, 13, 13, 13, 1], 349.2),
    ],
)
def test_presets_shapes(make: type, size: int, sides: list[int], millions: float | None) -> None:
    preset = make(size=size)
    shapes = preset.shapes()
    assert [shape.height for shape in shapes] == [shape.width for shape in shapes] == sides
    assert preset.classes == 1000
    assert millions is None or round(sum(layer.macs for layer in preset.layers()) / 1e6, 1) == millions


def test_presets_put_pools_where_the_paper_does() -> None:
    for make, before in ((squeezenet1_0, ["conv1", "fire4", "fire8"]), (squeezenet1_1, ["conv1", "fire3", "fire5"])):
        names = [stage.name for stage in make().stages]
        assert [name for name, after in pairwise(names) if after.startswith("pool") and after != "pool10"] == before


def test_presets_take_other_sizes_and_class_counts() -> None:
    for make in PRESETS.values():
        make().verify()
    assert squeezenet1_1(size=128, classes=7).classes == 7
    with pytest.raises(FirebrickError, match="pool"):
        squeezenet1_0(size=20)


@pytest.mark.parametrize("length", range(3, 40))
def test_network_pools_cover_every_pixel_and_start_inside(length: int) -> None:
    last = 2 * (MaxPool("pool").output_length(length) - 1)
    assert last < length
    assert last + 3 >= length
    assert last - 2 + 3 < length


@pytest.mark.parametrize("settings", POOLS)
@pytest.mark.parametrize("length", range(3, 40))
def test_network_pools_begin_inside_and_leave_out_less_than_a_stride(length: int, settings: tuple[int, int, bool]) -> None:
    kernel, padding, ceil = settings
    last = 2 * (MaxPool("pool", *settings).output_length(length) - 1) - padding
    assert last < length
    missing = length + padding - (last + kernel)
    assert -2 < missing <= 0 if ceil else 0 <= missing < 2


def test_network_repr_and_fields_of_pools_leave_out_what_is_as_in_the_paper() -> None:
    """Digests that are kept hold both."""
    assert repr(MaxPool("pool1")) == "MaxPool(name='pool1')"
    assert repr(MaxPool("pool1", 2, ceil=False)) == "MaxPool(name='pool1', kernel=2, ceil=False)"
    assert stored_fields(MaxPool("pool1", 3, 1, False)) == {"name": "pool1", "padding": 1, "ceil": False}
    assert stored_fields(Conv("c", 1, 1)) == dataclasses.asdict(Conv("c", 1, 1))


def test_network_layers_of_a_fire_module() -> None:
    fire = Fire("f", 4, 5, 6, Bypass.COMPLEX)
    layers = network(fire, END).layers()
    assert [layer.name for layer in layers] == ["f/squeeze1x1", "f/expand1x1", "f/expand3x3", "f/bypass1x1"]
    assert [layer.weight_shape for layer in layers] == [(4, 3, 1, 1), (5, 4, 1, 1), (6, 4, 3, 3), (11, 3, 1, 1)]
    assert {(layer.output.height, layer.output.width) for layer in layers} == {(9, 9)}
    assert layers[2].parameters == 6 * 4 * 9 + 6
    assert layers[2].macs == 6 * 4 * 9 * 81
    halves = network(dataclasses.replace(fire, expand1x1=0, bypass=Bypass.NONE), END)
    assert [layer.name for layer in halves.layers()] == ["f/squeeze1x1", "f/expand3x3"]
    halves.verify()


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize("seed", range(20))
def test_network_generator_gives_legal_networks(seed: int, bypass: Bypass) -> None:
    first = random_network(np.random.default_rng(seed), bypass=bypass)
    first.verify()
    assert first == random_network(np.random.default_rng(seed), bypass=bypass)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (network(), "the last stage must be the global average"),
        (network(Conv("c", 1, 1)), "the last stage must be the global average"),
        (network(END, Conv("c", 1, 1), GlobalAverage("again")), "stage end: the global average must be the last stage"),
        (network(Conv("c", 1, 1), Conv("c", 1, 1), END), "stage name 'c' is used twice"),
        (network(Conv("", 1, 1), END), "a stage.s name must be at most 64 letters, digits and single underscores"),
        (network(Conv("a/b", 1, 1), END), "begin with a letter, not .a/b."),
        (network(END, size=Shape(0, 9, 9)), "input shape must be positive, not 9x9x0"),
        (network(END, size=Shape(3, -1, 9)), "input shape must be positive"),
        (network(Conv("c", 0, 1), END), "stage c: filters, kernel and stride must be positive"),
        (network(Conv("c", 1, 0), END), "filters, kernel and stride must be positive"),
        (network(Conv("c", 1, 1, stride=0), END), "filters, kernel and stride must be positive"),
        (network(Conv("c", 1, 1, padding=-1), END), "padding must not be negative"),
        (network(Conv("c", 1, 3, padding=3), END), "padding must be less than the kernel, 3, not 3"),
        (network(Conv("c", 1, 11), END), "a 11x11 kernel does not fit a map of 9x9x3"),
        (network(Fire("f", 0, 1, 1), END), "stage f: a Fire module must have squeeze filters"),
        (network(Fire("f", 1, 0, 0), END), "at least one kind of expand filters"),
        (network(Fire("f", 1, -1, 2), END), "at least one kind of expand filters"),
        (network(Fire("f", 1, 2, 2, Bypass.SIMPLE), END), "equal channel counts, not 3 and 4"),
        (network(MaxPool("p"), END, size=Shape(3, 2, 9)), "stage p: 3x3 pooling does not fit a map of 2x9x3"),
        (network(MaxPool("p", 2), END, size=Shape(3, 9, 1)), "stage p: 2x2 pooling does not fit a map of 9x1x3"),
        (network(MaxPool("p", 3, 1), END), "stage p: a pool must be 3x3/2 or .* or 2x2/2, rounded up, not 3x3/2, padding 1, rounded up"),
        (network(MaxPool("p", 5, 2), END), "stage p: a pool must be 3x3/2 or .* or 2x2/2, rounded up, not 5x5/2, padding 2, rounded up"),
        (network(*[Conv(f"c{index}", 1, 1) for index in range(256)], END), "there must be at most 256 stages, not 257"),
        (network(Conv("x y", 1, 1), END), "begin with a letter, not 'x y'"),
        (network(Conv("c\n", 1, 1), END), "begin with a letter"),
        (network(Conv("c__valid", 1, 1), END), "single underscores"),
        (network(Conv("größe", 1, 1), END), "begin with a letter"),
        (network(Conv("c" * 65, 1, 1), END), "at most 64 letters"),
        (network(Conv("clk", 1, 1), END), "the name 'clk' is that of something else in the hardware"),
        (network(Conv("downsizer_3", 1, 1), END), "the name 'downsizer_3' is that of something else"),
        (network(Conv("f_skip_fifo", 3, 1), Fire("f", 1, 1, 2), END), "'f_skip_fifo' has the name of a part of the Fire module 'f'"),
        (network(Conv("c", 1, 1), END, size=Shape(3, 30000, 30000)), "must have at most 16777216 values, not 30000x30000x3"),
        (network(Conv("c", 1, 1), END, size=Shape(1, 1, 65536)), "at most 65535 rows, columns and channels"),
        (network(Conv("c", 4, 1, padding=0), Conv("d", 65, 1), END, size=Shape(1, 512, 512)), "stage d: a feature map must have at most"),
        (network(Conv("c", 1, 32), END, size=Shape(1, 64, 64)), "kernel and stride must be at most 31, not 32 and 1"),
        (network(Conv("c", 1, 1, stride=32), END, size=Shape(1, 64, 64)), "kernel and stride must be at most 31, not 1 and 32"),
        (
            network(Conv("c", 1, 31, padding=15), END, size=Shape(3, 700, 700)),
            "input channels x kernel.2 x output positions",
        ),
        (Network("n" * 256, Shape(1, 1, 1), (END,)), "its name must have at most 255 characters, not 256"),
        (network(MaxPool("p"), MaxPool("q"), MaxPool("r"), END), "stage r: 3x3 pooling does not fit a map of 2x2x3"),
    ],
)
def test_network_verify_rejects(bad: Network, message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        bad.verify()


def test_network_verify_totals_bounds_weights_and_work() -> None:
    network(Conv("c", 1, 1), END).verify_totals()
    with pytest.raises(FirebrickError, match=r"at most 8388608 weights, not 8392704"):
        network(Conv("c", 4096, 1), Conv("d", 2048, 1), END, size=Shape(1, 1, 1)).verify_totals()
    with pytest.raises(FirebrickError, match=r"at most 68719476736 multiply-accumulates"):
        network(
            Conv("c", 128, 1), *[Conv(f"d{index}", 128, 5, padding=2) for index in range(20)], END, size=Shape(1, 256, 256)
        ).verify_totals()
