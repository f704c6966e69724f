# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Progress of long-running work: the callback that such work is given, and a display of it on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Task, TaskID
    from rich.text import Text


class Progress(Protocol):
    """A progress callback: it is called with the current step, how much of it is done, and the total, 0 where that is unknown."""

    def __call__(self, step: str, done: int = 0, total: int = 0, /) -> None:
        """Show or record the progress of a step."""


def no_progress(_step: str, _done: int = 0, _total: int = 0, /) -> None:
    """The default progress callback, which does nothing."""


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress on stderr: a bar for each step with a known total, one spinner for all others. Only a terminal shows anything."""
    from rich import progress as rich_progress
    from rich.console import Console
    from rich.text import Text

    class KnownTotalBar(rich_progress.BarColumn):
        """A bar, left out where the total is unknown: rich would show one that moves to and fro beside the spinner."""

        def render(self, task: "Task") -> "Text":  # type: ignore[override]
            return Text() if task.total is None else super().render(task)  # type: ignore[return-value]

    console = Console(stderr=True)
    percentage = rich_progress.TaskProgressColumn(text_format_no_percentage="")
    description = rich_progress.TextColumn("{task.description}", markup=False)
    columns = (rich_progress.SpinnerColumn(), description, KnownTotalBar(), percentage, rich_progress.TimeElapsedColumn())
    with rich_progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as display:
        bars: dict[str, TaskID] = {}
        spinner = display.add_task("", total=None, visible=False)

        def progress(step: str, done: int = 0, total: int = 0, /) -> None:
            display.update(spinner, description=step, visible=not total)
            if total:
                if step not in bars:
                    bars[step] = display.add_task(step)
                display.update(bars[step], completed=done, total=total)

        yield progress
