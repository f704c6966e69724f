# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick serve` as a process of its own, and what that process uses."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...sw.errors import FirebrickError

END_SECONDS = 30.0
"""Time for the server to end after SIGTERM."""


@dataclass(frozen=True)
class Usage:
    """What a process uses."""

    memory: int
    """Bytes of resident memory."""
    descriptors: int
    """Open files and sockets."""
    threads: int


@contextmanager
def server_process(arguments: Sequence[str]) -> Iterator["ServerProcess"]:
    """The server with these further arguments on a free port; it is killed at the end, unless it has ended by then."""
    program = [sys.executable, "-c", "from firebrick.sw.cli.main import main; main()", "serve", "--json", "--port", "0", *arguments]
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(program, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        try:
            yield ServerProcess(process, errors)
        finally:
            process.kill()


class ServerProcess:
    """A server that is starting: waits until it is ready. Raises FirebrickError if it does not start.

    Args:
        process: prints the server's JSON document on stdout.
        errors: receives what it prints on stderr.
    """

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process, self._errors = process, errors
        text = ""
        assert process.stdout is not None
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            if not line:
                raise FirebrickError(f"the server did not start: {self.end()}")
            text += line
        self.url: str = json.loads(text)["url"]
        """The page's address."""

    def check(self) -> None:
        """Raise FirebrickError if the server has ended."""
        if self._process.poll() is not None:
            raise FirebrickError(f"the server has ended with status {self._process.returncode}: {self.end()}")

    def usage(self) -> Usage:
        """What the process uses now."""
        process = Path("/proc", str(self._process.pid))
        pages = int((process / "statm").read_text().split()[1])
        return Usage(pages * os.sysconf("SC_PAGE_SIZE"), len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())))

    def end(self) -> str:
        """End the server, and give all that it has printed on stderr."""
        self._process.terminate()
        self._process.wait(END_SECONDS)
        self._errors.seek(0)
        return self._errors.read().strip()
