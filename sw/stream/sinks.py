# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Sinks for the predictions of a stream: a table on the terminal, lines of JSON, lines of text."""

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
    """Takes predictions one by one. A sink is a context manager, so that it is closed however the stream ends."""

    @abstractmethod
    def show(self, prediction: Prediction) -> None:
        """Take the next prediction. Raises OSError or FirebrickError when it cannot be written."""

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        return None


class JsonLines(PredictionSink):
    """One line of JSON per frame: {frame, name, at, latency, top5}; top5 is null if the frame was damaged on the link."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def show(self, prediction: Prediction) -> None:
        """See ``PredictionSink``; the line is flushed at once."""
        self.line(prediction_document(prediction))

    def line(self, entry: dict[str, Any]) -> None:
        """Write one JSON document as a line."""
        print(json.dumps(entry), file=self._out, flush=True)


class TextLines(PredictionSink):
    """One line of text per frame, for an output that is no terminal."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def show(self, prediction: Prediction) -> None:
        """See ``PredictionSink``; the line is flushed at once."""
        what = "damaged on the link" if prediction.top5 is None else "{probability:6.1%}  {label}".format(**prediction.top5[0])
        name = f"  {prediction.frame.name}" if prediction.frame.name else ""
        print(f"{prediction.number:6}{name}  {1000 * prediction.latency:8.1f} ms  {what}", file=self._out, flush=True)


class TerminalTable(PredictionSink):
    """A table on the terminal that is redrawn with each prediction.

    Args:
        title: shown above the table.
        meter: gives the frame rate and latency that the table shows.
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

    def show(self, prediction: Prediction) -> None:
        """See ``PredictionSink``."""
        self._live.update(self._table(prediction))

    def _table(self, prediction: Prediction) -> "Table":
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        meter = self._meter
        table = Table(title=Text(self._title, "italic"), title_justify="left", caption_justify="left", min_width=70)
        table.add_column(Text(prediction.frame.name or f"frame {prediction.number}"), width=34, no_wrap=True)
        table.add_column("", width=24)
        table.add_column("", justify="right", width=6)
        for score in prediction.top5 or ():
            table.add_row(Text(score["label"]), ProgressBar(1.0, score["probability"], width=24), f"{score['probability']:.1%}")
        if prediction.top5 is None:
            table.add_row("damaged on the link", "", "")
        invalid = f", {meter.invalid:,} damaged on the link" if meter.invalid else ""
        table.caption = f"{meter.rate:.1f} frames/s, {1000 * meter.latency:.1f} ms latency, {meter.frames:,} frames{invalid}"
        return table


def prediction_document(prediction: Prediction) -> dict[str, Any]:
    """A prediction as a JSON-serialisable dictionary, see ``JsonLines``."""
    return {
        "frame": prediction.number,
        "name": prediction.frame.name or None,
        "at": round(prediction.frame.timestamp, 6),
        "latency": round(prediction.latency, 6),
        "top5": prediction.top5,
    }
