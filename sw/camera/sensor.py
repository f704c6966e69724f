# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The description of a camera sensor: all that set-up, capture and simulation know of it."""

from dataclasses import dataclass
from enum import IntEnum

PRESCALERS = range(1, 65)
"""Factors by which a sensor's pixel clock can be slowed."""


class Op(IntEnum):
    """What the set-up does with a register."""

    WRITE = 0
    """Write the value."""
    EXPECT = 1
    """Read it, and begin again from the start if it has another value: there is no such sensor, or it has lost its settings."""
    PRESCALE = 2
    """Write the value, with the prescaler less 1 in its lowest bits."""
    WAIT = 3
    """Wait for as many milliseconds as the value says."""


@dataclass(frozen=True)
class Step:
    """A step of a sensor's set-up."""

    op: Op
    value: int
    """0 to 255: the register's value, or milliseconds."""
    register: int = 0
    """The register's address."""


@dataclass(frozen=True)
class Sensor:
    """A sensor in RGB565, whose bytes come over a parallel port (DVP): RRRRRGGG first, then GGGBBBBB.

    Times are in cycles of the pixel clock. A line has ``line`` of them, from one HREF to the next; in ``2 * columns`` of these HREF is
    active, and each has a byte.
    """

    name: str
    columns: int
    rows: int
    xclk: float
    """Frequency of the sensor's input clock in Hz, as it is made for it."""
    xclk_range: tuple[float, float]
    """The frequencies in Hz that it accepts."""
    pclk: float
    """Frequency of the pixel clock in Hz at this input clock, with a prescaler of 1."""
    line: int
    """Cycles of the pixel clock in a line."""
    vsync_lines: int
    """Lines for which VSYNC is active."""
    front_lines: int
    """Lines from the end of VSYNC to the first HREF."""
    back_lines: int
    """Lines from the last HREF to VSYNC."""
    address: int
    """Address on the control bus: the byte for writing; that for reading is one more."""
    address_bytes: int
    """Bytes of a register's address: 1 or 2."""
    setup: tuple[Step, ...]
    """After power-up. The last step is PRESCALE, which alone is repeated to change the prescaler."""
    watch: tuple[Step, ...]
    """Repeated ever after: shows whether the sensor is still there, and still set up. Both together are run again if it is not."""
    vsync_high: bool = True
    """VSYNC is high when active."""
    href_high: bool = True
    """HREF is high when active."""
    rising_edge: bool = True
    """Its outputs are stable at the rising edge of the pixel clock; else at the falling one."""

    @property
    def lines(self) -> int:
        """Lines of a frame, with the blank ones."""
        return self.vsync_lines + self.front_lines + self.rows + self.back_lines

    @property
    def line_seconds(self) -> float:
        """Duration of a line with a prescaler of 1."""
        return self.line / self.pclk

    def frame_seconds(self, prescaler: int = 1) -> float:
        """Duration of a frame."""
        return self.line_seconds * self.lines * prescaler

    def prescaler_for(self, frame_seconds: float) -> int | None:
        """The smallest prescaler with which a frame takes at least this long; None if the sensor is too fast even with the largest.

        A network takes each line as the sensor sends it, so it must be as fast as the sensor, or the sensor as slow as the network.
        """
        return next((prescaler for prescaler in PRESCALERS if self.frame_seconds(prescaler) >= frame_seconds), None)
