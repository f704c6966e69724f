# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""When the pixels, blanking and synchronisation pulses of a screen come."""

from dataclasses import dataclass

from .layout import HEIGHT, WIDTH


@dataclass(frozen=True)
class Scan:
    """The parts of a line, in pixels, or of a frame, in lines, in the order in which they come."""

    active: int
    front_porch: int
    sync: int
    back_porch: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.active + self.front_porch + self.sync + self.back_porch

    @property
    def pulse(self) -> range:
        """Where the synchronisation pulse is."""
        return range(self.active + self.front_porch, self.active + self.front_porch + self.sync)


@dataclass(frozen=True)
class VideoMode:
    """A video mode whose synchronisation pulses are low."""

    line: Scan
    frame: Scan


VGA = VideoMode(Scan(WIDTH, 16, 96, 48), Scan(HEIGHT, 10, 2, 33))
"""640x480 at 60 Hz (VESA DMT 04h). Its pixel clock is 25.175 MHz; with 25.0 MHz, 0.7 % less, a screen gets 59.5 pictures a second."""
PIXEL_HZ = 25_000_000
TMDS_HZ = 5 * PIXEL_HZ
"""Two bits a cycle make ten a pixel."""
