# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network so small that its virtual board compiles in seconds, with frames of three packets."""

import numpy as np
from numpy.typing import NDArray

from firebrick.sim.small_models import randomly_initialised
from firebrick.sim.virtual_board import VirtualBoard
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape

NETWORK = Network("tiny", Shape(3, 26, 30), (Conv("conv1", 3, 3, stride=2), Conv("conv10", 5, 1), GlobalAverage("pool10")))
LANES = 2


def tiny_model() -> Model:
    return randomly_initialised(NETWORK, np.random.default_rng(1), bits=4)


def tiny_frames(rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    shape = NETWORK.input
    return rng.integers(0, 256, (count, shape.channels, shape.height, shape.width), dtype=np.uint8)


def tiny_board(*, byte_cycles: int = 1) -> VirtualBoard:
    return VirtualBoard(tiny_model(), lanes=LANES, byte_cycles=byte_cycles)
