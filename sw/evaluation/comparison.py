# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The measured rows of Table 2: a network in float32, by the baselines, by our compression, and existing models."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from ..compression.baselines import linear_quantization, pruned_kmeans
from ..compression.compressor import Compressor
from ..compression.rate_control import Budget, compress_to_budget
from ..compression.settings import CompressionSettings
from ..data.calibration_set import check_disjoint
from ..fire_format.file import encode_model, read_fire
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..network.metaparameters import float_bytes
from ..utils.progress import Progress, no_progress
from .fidelity import FidelityEvaluator
from .result_store import ResultEntry, ResultStore, task_digest

KMEANS_BITS = 6
PAPER_BUDGETS: Mapping[int, int] = {8: 660_000, 6: 470_000}
"""SqueezeNet's sizes in the paper's Table 2, in bytes, by bits."""


class _Row(NamedTuple):
    """A row to measure."""

    name: str
    """Of the model's file, without the suffix."""
    compression: str
    """What the table calls it."""
    bits: int
    make: Callable[[], Model]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The network, the images, and the rows to measure."""

    source: FloatModel
    calibration: Sequence[Path]
    """The calibration images."""
    held_out: Sequence[Path]
    """The images that models are evaluated on."""
    labels: Sequence[int] | None = None
    """Class of each held-out image, or -1; None where there are none."""
    densities: Mapping[str, float | Mapping[str, float]] = field(default_factory=dict)
    """Densities for magnitude pruning, one number or by layer name; a row for each, with the key as its description."""
    budgets: Mapping[int, int] = field(default_factory=lambda: PAPER_BUDGETS)
    """Maximum file size of our compression, in bytes, by bits; a row for each."""
    models: Sequence[Path] = ()
    """``.fire`` files made from the same source. The caller has to know which images they were calibrated with."""

    def run(self, folder: Path, progress: Progress = no_progress) -> list[ResultEntry]:
        """The rows for `table2.table2`, in order.

        ``folder`` keeps each model and results.json (see `ResultStore`); stored results are not computed again. Raises FirebrickError
        where an image is in both sets, a budget cannot be met, or the folder holds the results of another comparison.
        """
        check_disjoint(self.calibration, self.held_out)
        results = ResultStore(folder / "results.json", task_digest(self.source, [*self.calibration, *self.held_out], self.labels))
        evaluator = FidelityEvaluator(self.source, self.held_out, self.labels, progress)
        network = self.source.network
        dense = results.evaluate_float(evaluator.evaluate_float)
        entries = [{**dense, "network": network.name, "compression": "none", "bits": "32", "bytes": float_bytes(network)}]
        rows = list(self._rows(progress))
        for done, row in enumerate(rows):
            progress("comparing", done, len(rows))
            details = {"compression": row.compression, "bits": str(row.bits)}
            entry = results.evaluate_model(row.name, row.make, evaluator.evaluate, **details)
            entries.append({**entry, **details, "network": network.name})
        progress("comparing", len(rows), len(rows))
        return entries

    def _rows(self, progress: Progress) -> Iterator[_Row]:
        @cache
        def compressor() -> Compressor:  # measured once for all rows, and not at all where all are stored
            return Compressor(self.source, self.calibration, progress)

        yield _Row("linear", "8-bit linear", 8, lambda: linear_quantization(compressor()))
        for description, density in self.densities.items():
            name = hashlib.sha256(repr(density).encode()).hexdigest()[:8]
            make = partial(_pruned, compressor, density)
            yield _Row(f"kmeans-{name}", f"magnitude pruning to {description}, k-means", KMEANS_BITS, make)
        for bits, limit in self.budgets.items():
            make = partial(_within_budget, compressor, bits, limit)
            yield _Row(f"ours-{bits}bit-{limit}", f"ours, at most {limit:,} bytes", bits, make)
        for path in self.models:
            model = read_fire(path)
            name = hashlib.sha256(encode_model(model)).hexdigest()[:8]
            bits = max(layer.bits for layer in model.layers.values())
            yield _Row(f"given-{name}", f"ours, {path.name}", bits, partial(read_fire, path))


def _pruned(compressor: Callable[[], Compressor], density: float | Mapping[str, float]) -> Model:
    return pruned_kmeans(compressor(), KMEANS_BITS, density)


def _within_budget(compressor: Callable[[], Compressor], bits: int, limit: int) -> Model:
    return compress_to_budget(compressor(), CompressionSettings(bits), Budget(bytes=limit))
