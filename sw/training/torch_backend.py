# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What all PyTorch code shares: the forward pass through a network's stages, and the device to train on."""

import ctypes
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ..model.quantized import Preprocessing
from ..network.graph import Conv, Fire, MaxPool, Network
from ..network.run_stages import run_stages

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4

FeatureMaps = list[Tensor]
"""Outputs of the convolutions and Fire modules, in order, each (frames, channels, rows, columns)."""


def best_device() -> tuple[torch.device, torch.dtype]:
    """The device to compute on, and the data type of feature maps: bfloat16, which holds every byte exactly, if the device has it."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.device("cpu"), torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32


def keep_freed_memory() -> None:
    """Let the process keep the memory that it frees: the system clears each page it hands out again, a quarter of a training step.

    Without effect where the C library is not glibc. See mallopt(3): M_MMAP_MAX = 0 takes large blocks from the heap, too, and
    M_TRIM_THRESHOLD = -1 never returns the end of the heap.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    for parameter, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, -1)):
        if mallopt is not None:
            mallopt(parameter, value)


def subtract_mean(frames: Tensor, mean: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Frames of bytes, (frames, channels, rows, columns), minus the mean of each channel, (channels, 1, 1); the border becomes 0."""
    top, left, bottom, right = preprocessing.border
    images = frames[..., top : frames.shape[-2] - bottom, left : frames.shape[-1] - right]
    return functional.pad(images.float() - mean, (left, right, top, bottom))


class _TorchOperations:
    """The operations of a network on tensors; its layers know their own stride, padding and ReLU."""

    def __init__(self, convolve: Callable[[str, Tensor], Tensor], add: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._convolve, self._add = convolve, add

    def convolve(self, name: str, maps: Tensor, **_options: int) -> Tensor:
        return self._convolve(name, maps)

    def max_pool(self, pool: MaxPool, maps: Tensor) -> Tensor:
        return functional.max_pool2d(maps, pool.kernel, 2, pool.padding, ceil_mode=pool.ceil)

    def concatenate(self, _name: str, halves: list[Tensor]) -> Tensor:
        return torch.cat(halves, 1)

    def add(self, _name: str, main: Tensor, skip: Tensor) -> Tensor:
        return self._add(main, skip)

    def global_average(self, _name: str, maps: Tensor) -> Tensor:
        return maps  # integer and float networks average differently, so that is left to them


def run_network(
    network: Network, maps: Tensor, convolve: Callable[[str, Tensor], Tensor], add: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, FeatureMaps]:
    """The maps before the global average, and the feature maps.

    ``convolve`` computes a layer, given its name in the network and its input; ``add`` is the sum at the end of a bypass.
    """
    names = {stage.name for stage in network.stages if isinstance(stage, Conv | Fire)}
    outputs: FeatureMaps = []

    def tap(name: str, maps: Tensor) -> None:
        if name in names:
            outputs.append(maps)

    last = run_stages(network, maps.contiguous(memory_format=torch.channels_last), _TorchOperations(convolve, add), tap)
    return last, outputs
