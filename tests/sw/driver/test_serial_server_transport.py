# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Boards behind a serial port of another machine: a server on 127.0.0.1, in front of the virtual board."""

import socket

import numpy as np
import pytest

from firebrick.sim.open_device import open_device
from firebrick.sw import golden
from firebrick.sw.driver.discovery import find_devices
from firebrick.sw.driver.open_transport import open_transport
from firebrick.sw.errors import FirebrickError
from tests.helpers.boards import tiny_board, tiny_frames, tiny_model
from tests.helpers.serial_server import SerialServer

pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated, set the .* attribute:DeprecationWarning")  # in pyserial


@pytest.mark.usefixtures("compiled_board")
@pytest.mark.parametrize(("rfc2217", "prefix"), [(False, "serial:"), (True, "")])
def test_board_behind_a_server_gives_the_golden_scores(rfc2217: bool, prefix: str) -> None:
    model, frames = tiny_model(), tiny_frames(np.random.default_rng(5), 6)
    with SerialServer(tiny_board(), rfc2217=rfc2217) as server:
        (listed,) = find_devices([(prefix + server.url, "")])
        assert listed.problem == ""
        assert listed.identity is not None
        assert listed.identity.network == "tiny"
        with open_device(prefix + server.url, model) as device:
            np.testing.assert_array_equal([result.scores for result in device.stream(frames)], golden.run(model, frames))
            assert device.counters()["restarts"] == 0
        assert max(server.bauds, default=None) == (3_000_000 if rfc2217 else None)


# pyserial leaves it to the garbage collector to close a socket whose other end has gone.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("compiled_board")
def test_driver_says_when_the_server_has_ended() -> None:
    with SerialServer(tiny_board(), rfc2217=False) as server, open_device(server.url, tiny_model()) as device:
        results = device.stream(tiny_frames(np.random.default_rng(4), 50))
        next(results)
        server.close()
        with pytest.raises(FirebrickError, match=rf"device serial:{server.url}: it was lost .*; check its cable and its power"):
            list(results)


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
@pytest.mark.parametrize("rest", ["127.0.0.1:{free}", "127.0.0.1", "", "127.0.0.1:99999", "127.0.0.1:{free}?nonsense=1"])
def test_port_of_another_machine_that_cannot_be_opened_says_why(scheme: str, rest: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        free = listening.getsockname()[1]
    address = f"{scheme}://{rest.format(free=free)}"
    with pytest.raises(FirebrickError, match=r"it cannot be opened .*; check the host and its port, that its server runs") as raised:
        open_transport(address)
    assert str(raised.value).startswith(f"device serial:{address}: ")
