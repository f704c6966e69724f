# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rate sweep: accuracy against bytes and multiplications, for one network at several code widths and Lagrange multipliers."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from ..compression.compressor import Compressor
from ..compression.settings import CompressionSettings
from ..data.calibration_set import check_disjoint
from ..fire_format.file import encode_model
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
    *("model", "bits", "price", "bytes", "nonzero", "multiplications", "pictures", "labelled"),
    *("top1", "top1_error", "top5", "agreement", "agreement_error", "relative_entropy", "file"),
)


@dataclass(frozen=True, eq=False)
class RateSweep:
    """The network to sweep, and the images."""

    source: FloatModel
    calibration: Sequence[Path]
    """The calibration images."""
    held_out: Sequence[Path]
    """The images that models are evaluated on."""
    labels: Sequence[int] | None = None
    """Class of each held-out image, or -1; None where there are none."""
    settings: CompressionSettings = field(default_factory=CompressionSettings)
    """All settings but bits and rate_lambda, which are swept."""
    models: Mapping[str, Model] = field(default_factory=dict)
    """Models to evaluate as well, by name, made from the same source. The caller has to know which images they were made with."""

    def run(
        self,
        folder: Path,
        bits: Sequence[int] = DEFAULT_BITS,
        lambdas: Sequence[float] = DEFAULT_LAMBDAS,
        progress: Progress = no_progress,
    ) -> dict[str, ResultEntry]:
        """The results by name: of each point, those of earlier runs included, of each model, and of the float network (``float``).

        ``folder`` gets a model for each point and sweep.json (see `ResultStore`) as they are made, and at the end sweep.csv and
        sweep.svg; stored points are not computed again. Raises FirebrickError for settings out of their range, without matplotlib, where
        an image is in both sets, and where the folder holds the results of another sweep.
        """
        points = [replace(self.settings, bits=width, rate_lambda=multiplier) for width in bits for multiplier in lambdas]
        for point in points:
            point.verify()
        check_matplotlib()
        check_disjoint(self.calibration, self.held_out)
        # the fixed settings identify the sweep; those that vary are at their defaults
        fixed = replace(self.settings, bits=CompressionSettings.bits, rate_lambda=CompressionSettings.rate_lambda)
        results = ResultStore(folder / "sweep.json", task_digest(self.source, [*self.calibration, *self.held_out], self.labels, fixed))
        evaluator = FidelityEvaluator(self.source, self.held_out, self.labels, progress)

        @cache
        def compressor() -> Compressor:  # measured once for all points, and not at all where all are stored
            return Compressor(self.source, self.calibration, progress)

        def make(point: CompressionSettings) -> Model:
            model = compressor().compress(point)
            return replace(model, metadata={**model.metadata, "price": f"{point.rate_lambda:.12g}"})

        results.evaluate_float(evaluator.evaluate_float)
        for done, point in enumerate(points):
            progress("sweeping", done, len(points))
            name = f"{point.bits}bit-price{point.rate_lambda:.12g}"
            results.evaluate_model(name, partial(make, point), evaluator.evaluate, bits=point.bits, price=point.rate_lambda)
        progress("sweeping", len(points), len(points))
        given = set()
        for label, model in self.models.items():
            name = f"{label}-{hashlib.sha256(encode_model(model)).hexdigest()[:8]}"
            widest = max(layer.bits for layer in model.layers.values())
            results.evaluate_model(name, partial(replace, model), evaluator.evaluate, model=label, bits=widest)
            given.add(name)
        # models of an earlier run stay stored, but are shown only where they are given again: they may be older ones of the same name
        shown = {name: entry for name, entry in results.entries.items() if "model" not in entry or name in given}
        write_atomically(folder / "sweep.csv", csv_table(shown).encode())
        write_atomically(folder / "sweep.svg", sweep_plot(self.source.network.name, shown))
        return shown


def csv_table(entries: Mapping[str, ResultEntry]) -> str:
    """The points as CSV, sorted by bits and Lagrange multiplier, the float network first; fractions are from 0 to 1, unknown ones empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", *_COLUMNS], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].get("bits", 0), item[1].get("price", 0))):
        writer.writerow({"name": name, **entry})
    return text.getvalue()
