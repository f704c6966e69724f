# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The options of `firebrick bitstream` about a camera and a screen."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FirebrickError

if TYPE_CHECKING:
    from ..display.settings import DisplayOptions
    from ..fpga.peripherals import Peripherals
    from ..model.quantized import Model

LED_PERCENT = 50
"""The threshold of the LEDs unless another is given."""
_OPTIONS = (
    click.option("--camera", metavar="C", help="Add a camera: ov7670 or ov7670-vga."),
    click.option("--display", metavar="D", help="Add a screen that shows the labels: hdmi. Needs --camera."),
    click.option(
        "--display-classes",
        metavar="NAMES",
        help="Show only these by name, and the others by number: classes with commas between them, or a file with one a line.",
    ),
    click.option(
        "--led-class",
        metavar="NAME[=P]",
        help="Light the board's LEDs while this class is at least P percent likely. Needs --camera.  "
        f"[default: with --display the first class; {LED_PERCENT}]",
    ),
    click.option(
        "--pins",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="TOML or JSON file with the pins of both.  [default: the board's]",
    ),
)


def peripheral_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options about a camera and a screen."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen_peripherals(options: Mapping[str, Any]) -> "Peripherals":
    """The camera and the display that the options ask for, but for what depends on the model: see ``chosen_screen``."""
    from ..fpga.peripherals import Peripherals, checked_pins
    from .pins_file import read_pins

    camera, display, pins = options["camera"], options["display"], options["pins"]
    for option, needed in (("pins", "camera"), ("led_class", "camera"), ("display_classes", "display")):
        if options[option] is not None and options[needed] is None:
            raise click.UsageError(f"--{option.replace('_', '-')} needs --{needed}")
    return Peripherals(camera, display, checked_pins(read_pins(pins), str(pins)) if pins else ())


def chosen_screen(options: Mapping[str, Any], model: "Model") -> "DisplayOptions":
    """What the options choose of a model's display. Raises FirebrickError for a class or a threshold that there is not."""
    from ..display.settings import DisplayOptions
    from ..model.class_subset import parse_classes

    names, led = options["display_classes"], options["led_class"]
    classes = tuple(parse_classes(names, model)) if names is not None else None
    led_class, percent = _led(led, model) if led is not None else (None, LED_PERCENT)
    screen = DisplayOptions(classes, led_class, percent)
    screen.settings(model)
    return screen


def _led(text: str, model: "Model") -> tuple[int, int]:
    """The class and the threshold in NAME[=P]; a name may have an equals sign itself."""
    from ..model.class_subset import class_index

    name, equals, percent = text.rpartition("=")
    if not equals or text.casefold() in map(str.casefold, model.labels):
        return class_index(text, model, "--led-class"), LED_PERCENT
    if not percent.isdecimal() or not 1 <= int(percent) <= 100:
        raise FirebrickError(f"--led-class: the threshold must be a whole number from 1 to 100 percent, not {percent!r}")
    return class_index(name, model, "--led-class"), int(percent)
