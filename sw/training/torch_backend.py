# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch: the walk through a network's stages, and the device to train on."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ..network.graph import Bypass, Conv, Fire, MaxPool, Network


def best_device() -> tuple[torch.device, torch.dtype]:
    """Where to compute, and with what: bfloat16, which holds a byte exactly, where the hardware multiplies it."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.device("cpu"), torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32


FeatureMaps = list[Tensor]
"""Outputs of the convolutions and Fire modules, in order, each (frames, channels, rows, columns)."""


def run_stages(
    network: Network, maps: Tensor, convolve: Callable[[str, Tensor], Tensor], add: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, FeatureMaps]:
    """The maps before the global average, and all of them.

    ``convolve`` gives the output of a layer, by its name in the network; ``add`` is what ends a bypass.
    """
    maps = maps.contiguous(memory_format=torch.channels_last)
    seen: FeatureMaps = []
    for stage in network.stages:
        match stage:
            case Conv(name=name):
                maps = convolve(name, maps)
                seen.append(maps)
            case MaxPool():
                maps = functional.max_pool2d(maps, 3, 2, ceil_mode=True)
            case Fire():
                maps = _fire(stage, maps, convolve, add)
                seen.append(maps)
    return maps, seen


def _fire(fire: Fire, maps: Tensor, convolve: Callable[[str, Tensor], Tensor], add: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    squeezed = convolve(f"{fire.name}/squeeze1x1", maps)
    halves = [convolve(f"{fire.name}/{part}", squeezed) for part in ("expand1x1", "expand3x3") if getattr(fire, part)]
    out = torch.cat(halves, 1)
    match fire.bypass:
        case Bypass.NONE:
            return out
        case Bypass.SIMPLE:
            return add(out, maps)
        case Bypass.COMPLEX:
            return add(out, convolve(f"{fire.name}/bypass1x1", maps))
