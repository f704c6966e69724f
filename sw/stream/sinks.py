# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What becomes of the sightings of a stream: a live table, lines of JSON, lines of text."""

import json
from abc import abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from .inference import Prediction
from .rate_meter import RateMeter

if TYPE_CHECKING:
    from rich.table import Table


class PredictionSink(AbstractContextManager["PredictionSink"]):
    """Takes sightings one by one; a context manager, closed in good order however the stream ends."""

    @abstractmethod
    def show(self, sighting: Prediction) -> None:
        """Take one. Raises OSError or FirebrickError when it cannot be written."""

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        return None


class JsonLines(PredictionSink):
    """One JSON document a line for each frame: {frame, name, at, latency, top5}; top5 is null where the frame was damaged on its way."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def show(self, sighting: Prediction) -> None:
        """See ``PredictionSink``; the line is there at once."""
        self.line(prediction_document(sighting))

    def line(self, entry: dict[str, Any]) -> None:
        """Write one more document."""
        print(json.dumps(entry), file=self._out, flush=True)


class TextLines(PredictionSink):
    """One line of text for each frame, where no table can be drawn."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def show(self, sighting: Prediction) -> None:
        """See ``PredictionSink``; the line is there at once."""
        what = "damaged on its way" if sighting.top5 is None else "{probability:6.1%}  {label}".format(**sighting.top5[0])
        name = f"  {sighting.frame.name}" if sighting.frame.name else ""
        print(f"{sighting.number:6}{name}  {1000 * sighting.latency:8.1f} ms  {what}", file=self._out, flush=True)


class TerminalTable(PredictionSink):
    """A table on the terminal that is drawn anew as results come.

    Args:
        title: above the table.
        meter: whose figures are shown.
    """

    def __init__(self, title: str, meter: RateMeter) -> None:
        from rich.live import Live

        self._title, self._meter = title, meter
        self._live = Live(refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def show(self, sighting: Prediction) -> None:
        """See ``PredictionSink``."""
        self._live.update(self._table(sighting))

    def _table(self, sighting: Prediction) -> "Table":
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        meter = self._meter
        table = Table(title=Text(self._title, "italic"), title_justify="left", caption_justify="left", min_width=70)
        table.add_column(Text(sighting.frame.name or f"frame {sighting.number}"), width=34, no_wrap=True)
        table.add_column("", width=24)
        table.add_column("", justify="right", width=6)
        for guess in sighting.top5 or ():
            table.add_row(Text(guess["label"]), ProgressBar(1.0, guess["probability"], width=24), f"{guess['probability']:.1%}")
        if sighting.top5 is None:
            table.add_row("damaged on its way", "", "")
        invalid = f", {meter.invalid:,} damaged on their way" if meter.invalid else ""
        table.caption = f"{meter.rate:.1f} frames a second, {1000 * meter.latency:.1f} ms latency, {meter.frames:,} frames{invalid}"
        return table


def prediction_document(sighting: Prediction) -> dict[str, Any]:
    """A sighting as plain data for JSON, see ``JsonLines``."""
    return {
        "frame": sighting.number,
        "name": sighting.frame.name or None,
        "at": round(sighting.frame.timestamp, 6),
        "latency": round(sighting.latency, 6),
        "top5": sighting.top5,
    }
