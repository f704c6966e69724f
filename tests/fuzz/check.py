# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a reader may do with an input: accept it, or refuse it in one sentence, within bounds of time and memory."""

import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from firebrick.sw.errors import FirebrickError

from .mutation import mutate

CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
MESSAGE_MAX = 1000
"""Characters of a message."""
Mutator = Callable[..., bytes]


class FindingError(Exception):
    """A reader did with an input what it must not."""


class _OutOfTimeError(BaseException):
    """Not an Exception, so that no reader takes it for a damaged file."""


@dataclass(frozen=True)
class Target:
    """A reader."""

    name: str
    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    """Valid inputs."""
    sources: tuple[str, ...]
    """Source files of the reader, from the repository's root; coverage is measured there."""
    mutator: Mutator = mutate
    megabytes: int = 256
    """Memory that an input may take beyond what the process has."""
    seconds: float = 5.0
    """Processor time that an input may take."""


@dataclass
class Tally:
    """What a reader did with the inputs so far."""

    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    slowest: float = 0.0
    megabytes: int = 0
    findings: list[tuple[str, bytes]] = field(default_factory=list)

    def check(self, target: Target, data: bytes) -> None:
        """Read one input. Raises FindingError if the reader does not accept or refuse it as it should."""
        self.inputs += 1
        start, before = time.process_time(), _peak_megabytes(reset=True)
        try:
            with _limited(target.seconds):
                target.read(data)
            self.accepted += 1
        except FirebrickError as error:
            self.refused += 1
            message = str(error)
            if not message.strip() or not message.isprintable() or len(message) > MESSAGE_MAX:
                raise FindingError(f"{target.name}: a message must be one short line of printable text, not {message[:300]!r}") from error
        except _OutOfTimeError as error:
            raise FindingError(f"{target.name}: an input must take at most {target.seconds:g} s; {_where(error)}") from error
        except Exception as error:
            raise FindingError(f"{target.name}: {type(error).__name__}: {str(error)[:200]}; {_where(error)}") from error
        self.slowest = max(self.slowest, time.process_time() - start)
        taken = _peak_megabytes() - before
        self.megabytes = max(self.megabytes, taken)
        if taken > target.megabytes:
            raise FindingError(f"{target.name}: an input must take at most {target.megabytes} MB, not {taken}")

    def record(self, target: Target, data: bytes) -> None:
        """Read one input; a finding is kept instead of raised, one for each place in the code."""
        try:
            self.check(target, data)
        except FindingError as finding:
            if str(finding) not in [text for text, _ in self.findings]:
                self.findings.append((str(finding), data))


def _peak_megabytes(reset: bool = False) -> int:
    """The most memory that the process has had: of all time, or where the system can (Linux), since the last reset."""
    if sys.platform == "linux":
        with suppress(OSError):
            if reset:
                CLEAR_REFS.write_text("5")
            return next(int(line.split()[1]) >> 10 for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> (20 if sys.platform == "darwin" else 10)


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise _OutOfTimeError in what takes more processor time; only a main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _OutOfTimeError

    handler = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)


def _where(error: BaseException) -> str:
    """The innermost line of the project in a traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tests/" not in frame.filename]
    ours = [frame for frame in frames if "/sw/" in frame.filename or "/hw/" in frame.filename]
    frame = (ours or frames)[-1] if frames else None
    return f"in {'/'.join(frame.filename.split('/')[-3:])}, line {frame.lineno}" if frame else "in the reader"
