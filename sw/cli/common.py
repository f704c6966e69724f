# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Shared by several commands: options, the JSON document on stdout, tables, opening a device with progress."""

import json
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from click.core import ParameterSource

from ..utils.progress import progress_bar as progress_bar
from ..zoo import catalogue
from ..zoo.catalogue import DEFAULT, DEFAULT_LANES
from .tables import print_tables as print_tables

if TYPE_CHECKING:
    from ..driver.device import Device
    from ..model.quantized import Model
    from ..utils.progress import Progress

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout; everything else goes to stderr.")
model_option = click.option(
    "--model", default=DEFAULT, show_default=True, metavar="M", help="A .fire file, or a name that `firebrick models` lists."
)
classes_option = click.option(
    "--classes", metavar="FILE|NAMES", help="Keep only these classes: a file with one a line, or classes with commas between them."
)
device_option = click.option(
    "--device",
    default="golden",
    show_default=True,
    metavar="D",
    help="The device: golden (the golden model), sim (the virtual board), serial:PORT, socket://HOST:PORT or usb.",
)
lanes_option = click.option(
    "--lanes", type=click.IntRange(1), default=DEFAULT_LANES, show_default=True, help="Multipliers in the whole network."
)

bitstream_option = click.option(
    "--bitstream", type=click.Path(path_type=Path), required=True, metavar="B.bit", help="A bitstream that `firebrick bitstream` wrote."
)


def load_model(model: str, classes: str | None) -> "Model":
    """The model that the options --model and --classes select."""
    loaded = catalogue.load(model)
    if classes is None:
        return loaded
    from ..model.class_subset import keep_classes, parse_classes

    return keep_classes(loaded, parse_classes(classes, loaded))


class VerbatimNumbers(tuple[int, ...]):
    """The numbers of an option; ``str`` gives the text that the user wrote."""

    text: str

    def __new__(cls, numbers: Iterable[int], text: str) -> Self:
        """A tuple of the numbers that remembers their text."""
        values = super().__new__(cls, numbers)
        values.text = text
        return values

    def __str__(self) -> str:
        return self.text


@contextmanager
def readback_progress() -> "Iterator[Progress]":
    """Show the progress of a read-back on stderr; see also ``bounded_gates``."""
    from firebrick.hw.verify.readback import bounded_gates

    with bounded_gates(), progress_bar() as progress:
        progress("reading")
        yield progress


def open_device_with_progress(address: str, model: "Model", lanes: int) -> "Device":
    """Open the device at an address, which must run ``model``, with a progress display; the virtual board has ``lanes`` multipliers."""
    from firebrick.sim.open_device import open_device

    with progress_bar() as progress:
        progress(f"opening device {address}")
        return open_device(address, model, lanes=lanes, progress=progress)


def command_line(source: str) -> str:
    """The running command, for a model's metadata: the options that the user gave, with paths reduced to file names, and the source."""
    context = click.get_current_context()
    words = ["firebrick", str(context.info_name)]
    for option in context.command.params:
        value = context.params.get(str(option.name))
        given = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
        if not given or not isinstance(option, click.Option) or option.name == "as_json":
            continue
        name = max(option.opts, key=len)
        for item in value if option.multiple and isinstance(value, tuple) else (value,):
            if isinstance(item, Path) or (isinstance(item, str) and Path(item).name != item and Path(item).exists()):
                words += [name, Path(item).resolve().name]
            elif item is True:
                words.append(name)
            else:
                words += [name, ",".join(str(number) for number in item) if type(item) is tuple else str(item)]
    return shlex.join([*words, source])


def print_json(document: Any) -> None:
    """Print a command's result as one JSON document."""
    click.echo(json.dumps(document, indent=2))
