# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Streaming from a device in programs that use asyncio."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

import numpy as np
from numpy.typing import NDArray

from .device import Device, FrameResult


async def stream(device: Device, frames: Iterable[NDArray[np.uint8]]) -> AsyncGenerator[FrameResult, None]:
    """The result of each frame, as from ``device.stream``, while other tasks run.

    Another thread fetches the frames and waits for the device. A caller that stops early closes this generator (``aclosing``).
    Raises what ``device.stream`` raises.
    """
    results = device.stream(frames)
    while (result := await asyncio.to_thread(next, results, None)) is not None:
        yield result
