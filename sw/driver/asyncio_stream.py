# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A device for programs that use asyncio."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

import numpy as np
from numpy.typing import NDArray

from .device import Device, FrameResult


async def stream(device: Device, frames: Iterable[NDArray[np.uint8]]) -> AsyncGenerator[FrameResult, None]:
    """The result of each frame, as ``device.stream`` gives them, while other tasks run.

    Frames are asked for, and the device is waited for, in another thread. Whoever stops asking closes this generator (``aclosing``).
    """
    results = device.stream(frames)
    while (result := await asyncio.to_thread(next, results, None)) is not None:
        yield result
