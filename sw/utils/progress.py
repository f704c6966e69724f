# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Progress of long-running work: the callback that such work is given, and a display of it on the terminal."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Task, TaskID
    from rich.text import Text

LINE_SECONDS = 15.0
"""Time between two lines of progress where stderr is no terminal."""


class Progress(Protocol):
    """A progress callback: it is called with the current step, how much of it is done, and the total, 0 where that is unknown."""

    def __call__(self, step: str, done: int = 0, total: int = 0, /) -> None:
        """Show or record the progress of a step."""


def no_progress(_step: str, _done: int = 0, _total: int = 0, /) -> None:
    """The default progress callback, which does nothing."""


class OneBar:
    """A progress callback that shows several passes over the same steps as one bar, which never goes back.

    Args:
        progress: shows the bar.
        step: what it is called.
        shares: the share of each pass in the whole, in the order of the passes.
    """

    def __init__(self, progress: Progress, step: str, shares: Sequence[float]) -> None:
        self._progress, self._step, self._shares = progress, step, shares
        self._finished, self._shown = 0, 0

    def __call__(self, _step: str, done: int = 0, total: int = 0, /) -> None:
        """See ``Progress``: how much of the current pass is done."""
        before = sum(self._shares[: self._finished])
        current = self._shares[self._finished] * done / total if total and self._finished < len(self._shares) else 0.0
        self._show(round(1000 * (before + current) / sum(self._shares)))

    def finish(self, passes: int) -> None:
        """So many passes from the first are finished, or will not be needed."""
        self._finished = passes
        self(self._step)

    def _show(self, done: int) -> None:
        self._shown = max(self._shown, done)
        self._progress(self._step, self._shown, 1000)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress on stderr: a bar for each step with a known total, one spinner for all others, each with a running clock.

    A bar never goes back: a step that begins again continues as a spinner, with its numbers. Where stderr is no terminal, a line says every
    LINE_SECONDS how far the work is.
    """
    from rich import progress as rich_progress
    from rich.console import Console
    from rich.text import Text

    class KnownTotalBar(rich_progress.BarColumn):
        """A bar, left out where the total is unknown: rich would show one that moves to and fro beside the spinner."""

        def render(self, task: "Task") -> "Text":  # type: ignore[override]
            return Text() if task.total is None else super().render(task)  # type: ignore[return-value]

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    percentage = rich_progress.TaskProgressColumn(text_format_no_percentage="")
    description = rich_progress.TextColumn("{task.description}", markup=False)
    columns = (rich_progress.SpinnerColumn(), description, KnownTotalBar(), percentage, rich_progress.TimeElapsedColumn())
    with rich_progress.Progress(*columns, console=console, transient=True) as display:
        bars: dict[str, TaskID] = {}
        furthest: dict[str, int] = {}
        spinner = display.add_task("", total=None, visible=False)

        def progress(step: str, done: int = 0, total: int = 0, /) -> None:
            if total and done < furthest.get(step, 0) and step in bars:
                display.remove_task(bars.pop(step))
            again = total > 0 and step in furthest and step not in bars
            if total:
                furthest[step] = max(done, furthest.get(step, 0))
            display.update(spinner, description=f"{step}, {done} of {total}" if total else step, visible=not total or again)
            if total and not again:
                if step not in bars:
                    bars[step] = display.add_task(step)
                display.update(bars[step], completed=done, total=total)

        yield progress


class _Lines:
    """Prints lines on stderr, none in the first LINE_SECONDS."""

    def __init__(self) -> None:
        self._begin = self._last = time.monotonic()

    def __call__(self, step: str, done: int = 0, total: int = 0, /) -> None:
        now = time.monotonic()
        if now < self._last + LINE_SECONDS:
            return
        self._last = now
        minutes, seconds = divmod(round(now - self._begin), 60)
        sys.stderr.write(f"{minutes}:{seconds:02} {step}{f', {100 * done // total} %' if total else ''}\n")
        sys.stderr.flush()
