# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The walk through a network, with operations that only write down their own calls."""

import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.network import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.network.graph import LinearConv
from firebrick.sw.network.run_stages import run_stages


class Formula:
    """Each operation gives its formula as text, so the scores are the formula of the whole network."""

    def convolve(self, name: str, maps: str, *, stride: int = 1, padding: int = 0, relu: bool = True) -> str:
        return f"{name}/{stride}p{padding}{'' if relu else 'linear'}({maps})"

    def max_pool(self, pool: MaxPool, maps: str) -> str:
        return f"{pool.name}({maps})"

    def concatenate(self, _name: str, halves: list[str]) -> str:
        return f"[{', '.join(halves)}]"

    def add(self, _name: str, main: str, skip: str) -> str:
        return f"{main} + {skip}"

    def global_average(self, name: str, maps: str) -> str:
        return f"{name}({maps})"


def network(*stages: Conv | Fire | MaxPool) -> Network:
    return Network("test", Shape(3, 9, 9), (*stages, GlobalAverage("end")))


@pytest.mark.parametrize(
    ("fire", "formula"),
    [
        (Fire("f", 1, 2, 2), "[f/expand1x1/1p0(s), f/expand3x3/1p1(s)]"),
        (Fire("f", 1, 0, 2), "[f/expand3x3/1p1(s)]"),
        (Fire("f", 1, 2, 0), "[f/expand1x1/1p0(s)]"),
        (Fire("f", 1, 2, 1, Bypass.SIMPLE), "[f/expand1x1/1p0(s), f/expand3x3/1p1(s)] + x"),
        (Fire("f", 1, 2, 2, Bypass.COMPLEX), "[f/expand1x1/1p0(s), f/expand3x3/1p1(s)] + f/bypass1x1/1p0(x)"),
    ],
)
def test_run_stages_computes_fire_modules(fire: Fire, formula: str) -> None:
    expected = formula.replace("s)", "f/squeeze1x1/1p0(x))")
    assert run_stages(network(fire), "x", Formula()) == f"end({expected})"


def test_run_stages_taps_each_layer_and_stage_but_the_last_in_order() -> None:
    outputs: dict[str, str] = {}
    stages = (Conv("c", 4, 3, stride=2, padding=1), MaxPool("p"), Fire("f", 1, 2, 2, Bypass.COMPLEX))
    scores = run_stages(network(*stages), "x", Formula(), lambda name, output: outputs.update({name: output}))
    assert list(outputs) == ["c", "p", "f/squeeze1x1", "f/expand1x1", "f/expand3x3", "f/bypass1x1", "f"]
    assert outputs["c"] == "c/2p1(x)"
    assert outputs["p"] == "p(c/2p1(x))"
    assert scores == f"end({outputs['f']})"


def test_run_stages_tells_which_convolution_has_no_relu() -> None:
    assert run_stages(network(Conv("c", 4, 3), LinearConv("d", 2, 1)), "x", Formula()) == "end(d/1p0linear(c/1p0(x)))"


def test_run_stages_rejects_a_network_without_an_average() -> None:
    with pytest.raises(FirebrickError, match="the last stage must be the global average"):
        run_stages(Network("test", Shape(3, 9, 9), (Conv("c", 1, 1),)), "x", Formula())
