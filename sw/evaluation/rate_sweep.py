# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Accuracy against bytes: one network compressed to several widths and prices, each judged by pictures that calibrated nothing."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from ..compression.compressor import Compressor, Settings
from ..data.calibration_set import check_apart
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..reports.matplotlib_plots import check_matplotlib, curve
from ..utils.atomic_files import write_whole
from ..utils.progress import Report
from .fidelity import Judge
from .result_store import Entry, Results, digest

BITS = (4, 5, 6, 7, 8)
PRICES = (1.0, 2.0, 4.0, 8.0)
_COLUMNS = (
    *("bits", "price", "bytes", "nonzero", "pictures", "labelled"),
    *("top1", "top1_error", "top5", "agreement", "agreement_error", "relative_entropy", "file"),
)


@dataclass(frozen=True, eq=False)
class Sweep:
    """What is swept, and on which pictures."""

    source: FloatModel
    calibration: Sequence[Path]
    """Pictures to measure on."""
    judging: Sequence[Path]
    """Other pictures."""
    labels: Sequence[int] | None = None
    """Class of each picture that judges, or -1; None where there are none."""
    settings: Settings = field(default_factory=Settings)
    """All but bits and price, which are swept."""

    def run(
        self,
        folder: Path,
        bits: Sequence[int] = BITS,
        prices: Sequence[float] = PRICES,
        progress: Report | None = None,
    ) -> dict[str, Entry]:
        """Every point, by name, those of earlier runs on the same pictures included, and the ``float`` network.

        ``folder`` gets a model for each point, sweep.json (see Results) as they come, and at the end sweep.csv and sweep.svg; points that
        are done are not done again. Raises FirebrickError for settings out of their range, without matplotlib, where a picture serves
        both purposes, and where the folder holds the results of another sweep.
        """
        points = [replace(self.settings, bits=width, price=price) for width in bits for price in prices]
        for point in points:
            point.verify()
        check_matplotlib()
        check_apart(self.calibration, self.judging)
        fixed = replace(self.settings, bits=Settings.bits, price=Settings.price)
        results = Results(folder / "sweep.json", digest(self.source, [*self.calibration, *self.judging], self.labels, fixed))
        judge = Judge(self.source, self.judging, self.labels, progress)

        @cache
        def measured() -> Compressor:  # once for all points, and not at all where all are done
            return Compressor(self.source, self.calibration, progress)

        def make(point: Settings) -> Model:
            model = measured().compress(point)
            return replace(model, metadata={**model.metadata, "price": f"{point.price:.12g}"})

        results.network(judge.network)
        for done, point in enumerate(points):
            if progress is not None:
                progress("sweeping", done, len(points))
            name = f"{point.bits}bit-price{point.price:.12g}"
            results.result(name, partial(make, point), judge.model, bits=point.bits, price=point.price)
        if progress is not None:
            progress("sweeping", len(points), len(points))
        write_whole(folder / "sweep.csv", table(results.entries).encode())
        write_whole(folder / "sweep.svg", curve(self.source.network.name, results.entries))
        return results.entries


def table(entries: Mapping[str, Entry]) -> str:
    """The points as CSV, in the order of bits and price, the float network first; shares from 0 to 1, empty where unknown."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", *_COLUMNS], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].get("bits", 0), item[1].get("price", 0))):
        writer.writerow({"name": name, **entry})
    return text.getvalue()
