# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A camera and a screen beside the accelerator: which there are, at which pins, and what they take of an FPGA."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..display.name_code import WORD_BITS, NameCode
from ..display.settings import PLAIN, DisplayOptions
from ..errors import FirebrickError
from ..model.quantized import Model
from .fabric import ECP5, Fabric
from .memory_shapes import block_rams
from .node_costs import scaled
from .resources import Resources

CAMERAS = ("ov7670", "ov7670-vga")
"""Cameras, by their names in ``sw/camera/sensors.py``."""
DISPLAYS = ("hdmi",)
"""Screens: DVI through a connector of HDMI."""
CAMERA_PINS = ("pclk", "xclk", "vsync", "href", "scl", "sda", *(f"d{bit}" for bit in range(8)))
"""The pins that a camera must have."""
OPTIONAL_CAMERA_PINS = ("reset", "pwdn")
"""Pins that may be tied on the module instead: ``reset`` to its supply, ``pwdn`` to ground."""
DISPLAY_PINS = ("clock", "blue", "green", "red")
"""The pins of a screen: the positive one of each pair of TMDS."""

# LUTs on an ECP5, by Yosys out of context; other families scale the sum. Nothing takes a multiplier, and only a display's names may take
# block RAMs. `python scripts/peripheral_tables.py` measures them anew.
CAMERA_LUTS = {"ov7670": 1030, "ov7670-vga": 2356}
"""Set-up, capture and scaling; origin: the table of docs/camera.md, 224x224 pixels in colour."""
SHARING_LUTS = 969
"""Arbiter, queues of owners and verdicts, captures and pictures over the link: a small device with them less one without."""
DISPLAY_LUTS = 2824
"""A display but for the ROM of its names; origin: the table of docs/display.md, names in block RAM."""
NAME_ROM_LUTS = 1.21
"""LUTs for each 16 bits of that ROM where it lies in LUTs: one holds them, the rest selects among words."""
LED_LUTS = 735
"""The LEDs of a class without a display."""


@dataclass(frozen=True)
class Peripherals:
    """What a board's bitstream has besides accelerator and link."""

    camera: str | None = None
    """One of CAMERAS; None for none."""
    display: str | None = None
    """One of DISPLAYS; None for none."""
    pins: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Pins, by ``camera`` or ``display`` and the names above; empty for the board's usual ones."""
    screen: DisplayOptions = PLAIN
    """What is chosen of the display, and the class of the LEDs."""

    def __post_init__(self) -> None:
        """Raises FirebrickError for a display without a camera, and for what there is none of."""
        for kind, name, known in (("camera", self.camera, CAMERAS), ("display", self.display, DISPLAYS)):
            if name is not None and name not in known:
                raise FirebrickError(f"there is no {kind} named {name}; known: {', '.join(known)}")
        if self.display and not self.camera:
            raise FirebrickError("a display shows what a camera sees; ask for a camera, too")

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.camera is not None

    @property
    def leds(self) -> bool:
        """Whether LEDs show a class: with a display always, without one if a class is chosen."""
        return self.camera is not None and (self.display is not None or self.screen.led_class is not None)

    def pins_of(self, kind: str) -> dict[str, str] | None:
        """The pins of the camera or the display, by name; None where the board's usual ones are meant."""
        return {key: dict(value) for key, value in self.pins}.get(kind)

    def resources(self, model: Model, fabric: Fabric = ECP5) -> Resources:
        """What they are predicted to take beside a model's accelerator."""
        luts = CAMERA_LUTS[self.camera] + SHARING_LUTS if self.camera else 0
        if not self.display:
            return scaled(Resources(luts=luts + LED_LUTS * self.leds), fabric)
        words = len(NameCode(self.screen.settings(model)).words)
        in_block_ram = self.screen.names_in_block_ram
        luts += DISPLAY_LUTS + (0 if in_block_ram else round(NAME_ROM_LUTS * words))
        rams = block_rams(words, WORD_BITS, fabric) if in_block_ram else 0
        return scaled(Resources(luts=luts), fabric) + Resources(block_rams=rams)


NONE = Peripherals()


def checked_pins(document: Mapping[str, Any], origin: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The pins in a document {camera: {pclk: PIN, ...}, display: {...}}, as ``Peripherals`` keeps them; ``origin`` names its file.

    Raises FirebrickError for unknown, missing and repeated names, and for a pin that is used twice.
    """
    allowed = {"camera": (CAMERA_PINS, OPTIONAL_CAMERA_PINS), "display": (DISPLAY_PINS, ())}
    if unknown := sorted(set(document) - set(allowed)):
        raise FirebrickError(f"{origin}: there is no section {unknown[0]}; the sections are camera and display")
    used: dict[str, str] = {}
    for section, pins in document.items():
        needed, optional = allowed[section]
        if not isinstance(pins, Mapping):
            raise FirebrickError(f"{origin}: {section} must be a section with a pin for each of {', '.join(needed)}")
        if surplus := sorted(set(pins) - set(needed) - set(optional)):
            raise FirebrickError(f"{origin}: {section} has no pin {surplus[0]}; its pins are {', '.join((*needed, *optional))}")
        if missing := [name for name in needed if name not in pins]:
            raise FirebrickError(f"{origin}: {section} lacks {', '.join(missing)}")
        for name, pin in pins.items():
            if not isinstance(pin, str) or not pin or pin != pin.strip():
                raise FirebrickError(f'{origin}: {section}.{name} must be a pin in quotes, such as "B11" or "gpio_0:0+", not {pin!r}')
            if pin in used:
                raise FirebrickError(f"{origin}: pin {pin} is used twice, by {used[pin]} and {section}.{name}")
            used[pin] = f"{section}.{name}"
    return tuple((section, tuple(pins.items())) for section, pins in document.items())
