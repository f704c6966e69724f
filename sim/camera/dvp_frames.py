# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a sensor's parallel port does, cycle by cycle of the pixel clock, with the faults of real ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...sw.camera.picture import Bytes
from ...sw.camera.sensor import Sensor

Pins = tuple[int, int, int]
"""VSYNC, HREF and data."""


class Fault(Enum):
    """What goes wrong in a frame, at a random place."""

    NONE = "none"
    SHORT_LINE = "a line ends early"
    LONG_LINE = "a line has more bytes"
    EARLY_VSYNC = "the next frame begins before this one has ended"
    MISSING_LINE = "a line is left out"
    SILENCE = "HREF and VSYNC stay inactive from the middle of a line on"
    STOPPED_CLOCK = "the pixel clock stops in the middle of a line"
    GLITCHES = "VSYNC and HREF change for one cycle, at random times: no harm"


HARMLESS = (Fault.NONE, Fault.GLITCHES)


@dataclass
class DvpFrames:
    """Gives the pins of frames in cycles of the pixel clock, with levels as the sensor's description says."""

    sensor: Sensor
    rng: np.random.Generator

    def frame(self, data: Bytes, fault: Fault = Fault.NONE, line: int | None = None) -> Iterator[Pins]:
        """A frame, from VSYNC to the last blank line. ``data`` has the sensor's bytes, (rows, 2 * columns).

        The fault is in the line of this number, else in a random one. What a fault leaves out is left out; the rest of it follows.
        """
        pins = list(self._frame(data, fault, int(self.rng.integers(len(data))) if line is None else line))
        if fault is Fault.GLITCHES:
            pins = self._with_glitches(pins)
        for vsync, href, byte in pins:
            yield int(vsync == self.sensor.vsync_high), int(href == self.sensor.href_high), byte

    def idle(self, cycles: int) -> Iterator[Pins]:
        """The pins of a sensor that sends nothing."""
        for _ in range(cycles):
            yield int(not self.sensor.vsync_high), int(not self.sensor.href_high), self._noise()

    def _with_glitches(self, pins: list[Pins]) -> list[Pins]:
        """Pins whose levels are wrong for single cycles, none of them beside a change or another one."""
        levels = [(vsync, href) for vsync, href, _ in pins]
        calm = [number for number in range(2, len(pins) - 2) if len(set(levels[number - 2 : number + 3])) == 1]
        which = self.rng.integers(0, 60, len(pins))  # 0: VSYNC, 1: HREF
        glitches: dict[int, int] = {}
        for number in calm:
            if which[number] < 2 and not {number - 1, number - 2} & glitches.keys():
                glitches[number] = int(which[number])
        return [
            (vsync ^ int(glitches.get(number) == 0), href ^ int(glitches.get(number) == 1), byte)
            for number, (vsync, href, byte) in enumerate(pins)
        ]

    def _noise(self) -> int:
        return int(self.rng.integers(256))

    def _blank(self, cycles: int, vsync: int = 0) -> Iterator[Pins]:
        for _ in range(cycles):
            yield vsync, 0, self._noise()

    def _frame(self, data: Bytes, fault: Fault, faulty: int) -> Iterator[Pins]:
        sensor = self.sensor
        yield from self._blank(sensor.vsync_lines * sensor.line, vsync=1)
        yield from self._blank(sensor.front_lines * sensor.line)
        for number, row in enumerate(data):
            sent = [int(byte) for byte in row]
            if number == faulty:
                cut = int(self.rng.integers(1, len(sent)))
                match fault:
                    case Fault.SHORT_LINE:
                        del sent[cut:]
                    case Fault.LONG_LINE:
                        sent += sent[: min(cut, sensor.line - len(sent) - 2)]
                    case Fault.MISSING_LINE:
                        yield from self._blank(sensor.line)
                        continue
                    case Fault.EARLY_VSYNC | Fault.STOPPED_CLOCK | Fault.SILENCE:
                        yield from ((0, 1, byte) for byte in sent[:cut])
                        return
                    case _:
                        pass
            yield from ((0, 1, byte) for byte in sent)
            yield from self._blank(sensor.line - len(sent))
        yield from self._blank(sensor.back_lines * sensor.line)
