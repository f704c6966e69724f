# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What several commands share: options, the one JSON document, tables, progress."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from click.core import ParameterSource

from ..utils.progress import progress_bar as progress_bar
from ..zoo import catalogue
from ..zoo.catalogue import DEFAULT, DEFAULT_LANES

if TYPE_CHECKING:
    from rich.table import Table

    from ..driver.device import Device
    from ..model.quantized import Model

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout; all else goes to stderr.")
model_option = click.option(
    "--model", default=DEFAULT, show_default=True, metavar="M", help="A .fire file, or a name that `firebrick models` lists."
)
classes_option = click.option(
    "--classes", type=click.Path(path_type=Path), metavar="FILE", help="Keep only the classes that FILE names, one a line."
)
device_option = click.option(
    "--device", default="golden", show_default=True, metavar="D", help="What computes: golden, sim (the virtual board), serial:PORT or usb."
)
lanes_option = click.option(
    "--lanes", type=click.IntRange(1), default=DEFAULT_LANES, show_default=True, help="Multipliers to spend on the whole network."
)


def load_model(model: str, classes: Path | None) -> "Model":
    """What the options --model and --classes ask for."""
    loaded = catalogue.load(model)
    if classes is None:
        return loaded
    from ..model.class_subset import keep_classes, read_classes

    return keep_classes(loaded, read_classes(classes, loaded))


class VerbatimNumbers(tuple[int, ...]):
    """The numbers of an option, which print as they were written there."""

    text: str

    def __new__(cls, numbers: Iterable[int], text: str) -> Self:
        """The numbers, and the text that they were read from."""
        made = super().__new__(cls, numbers)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text


def open_device_with_progress(address: str, model: "Model", lanes: int) -> "Device":
    """The device at an address, which runs ``model``, the virtual one with ``lanes`` multipliers; progress is shown."""
    from .open_device import open_device

    with progress_bar() as progress:
        progress(f"opening device {address}")
        return open_device(address, model, lanes=lanes, progress=progress)


def command_line(source: str) -> str:
    """The command that is running, for a model's metadata: the options that were given, paths cut to their names, and the source."""
    context = click.get_current_context()
    words = ["firebrick", str(context.info_name)]
    for option in context.command.params:
        value = context.params.get(str(option.name))
        given = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
        if not given or not isinstance(option, click.Option) or option.name == "as_json":
            continue
        name = max(option.opts, key=len)
        for each in value if option.multiple and isinstance(value, tuple) else (value,):
            if isinstance(each, Path):
                words += [name, each.resolve().name]
            elif each is True:
                words.append(name)
            else:
                words += [name, ",".join(str(part) for part in each) if type(each) is tuple else str(each)]
    return shlex.join([*words, source])


def print_json(document: Any) -> None:
    """Print a command's result as one JSON document."""
    click.echo(json.dumps(document, indent=2))


def print_tables(*tables: "Table") -> None:
    """Print tables, in full where stdout is no terminal."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 160
    for table in tables:
        console.print(table)
