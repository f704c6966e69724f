# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A closed device takes no frames, whatever its kind: neither afterwards nor in the middle of a stream."""

from collections.abc import Callable

import numpy as np
import pytest

from firebrick.sw.driver.device import Device
from firebrick.sw.driver.golden_device import GoldenDevice
from firebrick.sw.driver.linked_device import LinkedDevice
from firebrick.sw.errors import FirebrickError
from tests.helpers.boards import tiny_frames
from tests.helpers.scripted_device import MODEL, ScriptedDevice

DEVICES = {"golden": lambda: GoldenDevice(MODEL), "linked": lambda: LinkedDevice(MODEL, ScriptedDevice())}


@pytest.mark.parametrize("make", DEVICES.values(), ids=DEVICES)
def test_closed_device_refuses_frames_and_questions(make: Callable[[], Device]) -> None:
    with make() as device:
        assert len(list(device.stream(tiny_frames(np.random.default_rng(0), 2)))) == 2
    with pytest.raises(FirebrickError, match="the device is closed; open it again"):
        list(device.stream(tiny_frames(np.random.default_rng(0), 1)))
    with pytest.raises(FirebrickError, match="the device is closed; open it again"):
        device.counters()
    device.close()


@pytest.mark.parametrize("make", DEVICES.values(), ids=DEVICES)
def test_device_that_is_closed_in_the_middle_of_a_stream_gives_no_more_results(make: Callable[[], Device]) -> None:
    device = make()
    results = device.stream(tiny_frames(np.random.default_rng(0), 5))
    next(results)
    device.close()
    with pytest.raises(FirebrickError, match="the device is closed; open it again"):
        list(results)
