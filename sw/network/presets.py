# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The two published SqueezeNets: v1.0 (arXiv:1602.07360, Table 1) and its authors' later v1.1."""

from collections.abc import Callable

from .graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage

_SQUEEZE_FILTERS = {"fire2": 16, "fire3": 16, "fire4": 32, "fire5": 32, "fire6": 48, "fire7": 48, "fire8": 64, "fire9": 64}


def _squeezenet(name: str, size: int, classes: int, conv1: Conv, pools_after: tuple[str, str]) -> Network:
    stages: list[Stage] = [conv1, MaxPool("pool1")]
    for fire, squeeze in _SQUEEZE_FILTERS.items():
        stages.append(Fire(fire, squeeze, 4 * squeeze, 4 * squeeze))
        if fire in pools_after:
            stages.append(MaxPool(f"pool{fire[4:]}"))
    stages += [Conv("conv10", classes, 1), GlobalAverage("pool10")]
    network = Network(name, Shape(3, size, size), tuple(stages))
    network.verify()
    return network


def squeezenet1_0(size: int = 227, classes: int = 1000) -> Network:
    """SqueezeNet v1.0 as in Table 1: conv1 7x7/2 with 96 filters, pooling after conv1, fire4 and fire8."""
    return _squeezenet("squeezenet1_0", size, classes, Conv("conv1", 96, 7, stride=2), ("fire4", "fire8"))


def squeezenet1_1(size: int = 224, classes: int = 1000) -> Network:
    """SqueezeNet v1.1: conv1 3x3/2 with 64 filters, pooling after conv1, fire3 and fire5."""
    return _squeezenet("squeezenet1_1", size, classes, Conv("conv1", 64, 3, stride=2), ("fire3", "fire5"))


PRESETS: dict[str, Callable[..., Network]] = {"squeezenet1_0": squeezenet1_0, "squeezenet1_1": squeezenet1_1}
