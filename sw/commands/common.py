# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What several commands share: options, the one JSON document, progress."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..catalogue import DEFAULT

if TYPE_CHECKING:
    from rich.table import Table

DEFAULT_LANES = 200

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout; all else goes to stderr.")
model_option = click.option(
    "--model", default=DEFAULT, show_default=True, metavar="M", help="A .fire file, or a name that `firebrick models` lists."
)
lanes_option = click.option(
    "--lanes", type=click.IntRange(1), default=DEFAULT_LANES, show_default=True, help="Multipliers to spend on the whole network."
)


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


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr, fed with (what, done, total); nothing is shown where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        yield report
