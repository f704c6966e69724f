# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Accuracy against bytes: one network compressed to several widths and prices, each judged by pictures that calibrated nothing."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from ..compression.compressor import Compressor
from ..compression.settings import CompressionSettings
from ..data.calibration_set import check_disjoint
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..reports.matplotlib_plots import check_matplotlib, sweep_plot
from ..utils.atomic_files import write_atomically
from ..utils.progress import Progress, no_progress
from .fidelity import FidelityEvaluator
from .result_store import ResultEntry, ResultStore, task_digest

DEFAULT_BITS = (4, 5, 6, 7, 8)
DEFAULT_LAMBDAS = (1.0, 2.0, 4.0, 8.0)
_COLUMNS = (
    *("bits", "price", "bytes", "nonzero", "pictures", "labelled"),
    *("top1", "top1_error", "top5", "agreement", "agreement_error", "relative_entropy", "file"),
)


@dataclass(frozen=True, eq=False)
class RateSweep:
    """What is swept, and on which pictures."""

    source: FloatModel
    calibration: Sequence[Path]
    """Pictures to measure on."""
    held_out: Sequence[Path]
    """Other pictures."""
    labels: Sequence[int] | None = None
    """Class of each picture that judges, or -1; None where there are none."""
    settings: CompressionSettings = field(default_factory=CompressionSettings)
    """All but bits and price, which are swept."""

    def run(
        self,
        folder: Path,
        bits: Sequence[int] = DEFAULT_BITS,
        prices: Sequence[float] = DEFAULT_LAMBDAS,
        progress: Progress = no_progress,
    ) -> dict[str, ResultEntry]:
        """Every point, by name, those of earlier runs on the same pictures included, and the ``float`` network.

        ``folder`` gets a model for each point, sweep.json (see Results) as they come, and at the end sweep.csv and sweep.svg; points that
        are done are not done again. Raises FirebrickError for settings out of their range, without matplotlib, where a picture serves
        both purposes, and where the folder holds the results of another sweep.
        """
        points = [replace(self.settings, bits=width, rate_lambda=price) for width in bits for price in prices]
        for point in points:
            point.verify()
        check_matplotlib()
        check_disjoint(self.calibration, self.held_out)
        fixed = replace(self.settings, bits=CompressionSettings.bits, rate_lambda=CompressionSettings.rate_lambda)
        results = ResultStore(folder / "sweep.json", task_digest(self.source, [*self.calibration, *self.held_out], self.labels, fixed))
        judge = FidelityEvaluator(self.source, self.held_out, self.labels, progress)

        @cache
        def measured() -> Compressor:  # once for all points, and not at all where all are done
            return Compressor(self.source, self.calibration, progress)

        def make(point: CompressionSettings) -> Model:
            model = measured().compress(point)
            return replace(model, metadata={**model.metadata, "price": f"{point.rate_lambda:.12g}"})

        results.evaluate_float(judge.evaluate_float)
        for done, point in enumerate(points):
            progress("sweeping", done, len(points))
            name = f"{point.bits}bit-price{point.rate_lambda:.12g}"
            results.evaluate_model(name, partial(make, point), judge.evaluate, bits=point.bits, price=point.rate_lambda)
        progress("sweeping", len(points), len(points))
        write_atomically(folder / "sweep.csv", table(results.entries).encode())
        write_atomically(folder / "sweep.svg", sweep_plot(self.source.network.name, results.entries))
        return results.entries


def table(entries: Mapping[str, ResultEntry]) -> str:
    """The points as CSV, in the order of bits and price, the float network first; shares from 0 to 1, empty where unknown."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", *_COLUMNS], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].get("bits", 0), item[1].get("price", 0))):
        writer.writerow({"name": name, **entry})
    return text.getvalue()
