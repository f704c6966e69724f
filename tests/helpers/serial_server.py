# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A server of a board's serial port on 127.0.0.1: the bytes alone, or RFC 2217, of which pyserial has the server's side."""

import select
import socket
import threading
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import serial.rfc2217

from firebrick.sw.driver.transport import Transport

CHUNK = 4096


class SerialServer:
    """Serves one client after the other in a thread; a context manager.

    Parameters
    ----------
    board: the board; closed with the server
    rfc2217: speak RFC 2217 instead of carrying the bytes alone
    """

    def __init__(self, board: Transport, *, rfc2217: bool) -> None:
        self._board, self._rfc2217 = board, rfc2217
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'rfc2217' if rfc2217 else 'socket'}://127.0.0.1:{self._listening.getsockname()[1]}"
        self.bauds = list[int]()
        """The baud rates that clients have set."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        self._board.close()

    def close(self) -> None:
        """End the server and its connection; a second call does nothing."""
        self._stop.set()
        self._thread.join()
        self._listening.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            if select.select([self._listening], [], [], 0.05)[0]:
                with self._listening.accept()[0] as client:
                    self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        port: Any = Port(self.bauds)
        connection: Any = SimpleNamespace(write=client.sendall)
        manager = serial.rfc2217.PortManager(port, connection) if self._rfc2217 else None
        while not self._stop.is_set():
            while select.select([client], [], [], 0)[0]:
                data = client.recv(CHUNK)
                if not data:
                    return
                self._board.write(b"".join(manager.filter(data)) if manager else data)
            if data := self._board.read(2000 * self._board.byte_seconds):
                client.sendall(b"".join(manager.escape(data)) if manager else data)


class Port(SimpleNamespace):
    """The settings of a serial port, as pyserial's server asks for them and sets them."""

    def __init__(self, bauds: list[int]) -> None:
        super().__init__(bytesize=8, parity="N", stopbits=1, rtscts=False, xonxoff=False, dtr=True, rts=True, break_condition=False)
        self.cts = self.dsr = self.ri = self.cd = False
        self._bauds = bauds

    @property
    def baudrate(self) -> int:
        return self._bauds[-1] if self._bauds else 115_200

    @baudrate.setter
    def baudrate(self, baud: int) -> None:
        self._bauds.append(baud)

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    def reset_output_buffer(self) -> None:
        """Nothing waits here."""
