# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The rows of Table 2 that are measured: a network in float32, by the baselines, by ours, and models that are there already."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

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
"""The paper's sizes of SqueezeNet, by bits, in bytes."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is compared, and on which pictures."""

    source: FloatModel
    calibration: Sequence[Path]
    """Pictures to measure on."""
    held_out: Sequence[Path]
    """Other pictures."""
    labels: Sequence[int] | None = None
    """Class of each picture that judges, or -1; None where there are none."""
    densities: Mapping[str, float | Mapping[str, float]] = field(default_factory=dict)
    """What magnitude pruning keeps, one number or by layer, by what to call it: a row for each."""
    budgets: Mapping[int, int] = field(default_factory=lambda: PAPER_BUDGETS)
    """The most bytes, by bits: a row for each."""
    models: Sequence[Path] = ()
    """``.fire`` files made from the same source; what they were calibrated with is the caller's to know."""

    def run(self, folder: Path, progress: Progress = no_progress) -> list[ResultEntry]:
        """The rows for `table2.table2`, in order.

        ``folder`` keeps each model and results.json (see Results); what is done is not done again. Raises FirebrickError where a picture
        serves both purposes, a budget cannot be met, or the folder holds the results of another comparison.
        """
        check_disjoint(self.calibration, self.held_out)
        results = ResultStore(folder / "results.json", task_digest(self.source, [*self.calibration, *self.held_out], self.labels))
        judge = FidelityEvaluator(self.source, self.held_out, self.labels, progress)
        network = self.source.network
        dense = results.evaluate_float(judge.evaluate_float)
        rows = [{**dense, "network": network.name, "compression": "none", "bits": "32", "bytes": float_bytes(network)}]
        ways = list(self._ways(progress))
        for done, (name, compression, bits, make) in enumerate(ways):
            progress("comparing", done, len(ways))
            about = {"compression": compression, "bits": str(bits)}
            rows.append({**results.evaluate_model(name, make, judge.evaluate, **about), **about, "network": network.name})
        progress("comparing", len(ways), len(ways))
        return rows

    def _ways(self, progress: Progress) -> Iterator[tuple[str, str, int, Callable[[], Model]]]:
        """File name, what the table calls it, bits, and how to make the model."""

        @cache
        def measured() -> Compressor:  # once for all rows, and not at all where all are done
            return Compressor(self.source, self.calibration, progress)

        yield "linear", "8-bit linear", 8, lambda: linear_quantization(measured())
        for kept, density in self.densities.items():
            make = partial(_pruned, measured, density)
            name = hashlib.sha256(repr(density).encode()).hexdigest()[:8]
            yield f"kmeans-{name}", f"magnitude pruning to {kept}, k-means", KMEANS_BITS, make
        for bits, most in self.budgets.items():
            yield f"ours-{bits}bit-{most}", f"ours, at most {most:,} bytes", bits, partial(_ours, measured, bits, most)
        for path in self.models:
            model = read_fire(path)
            name = hashlib.sha256(encode_model(model)).hexdigest()[:8]
            yield f"given-{name}", f"ours, {path.name}", max(layer.bits for layer in model.layers.values()), partial(read_fire, path)


def _pruned(measured: Callable[[], Compressor], density: float | Mapping[str, float]) -> Model:
    return pruned_kmeans(measured(), KMEANS_BITS, density)


def _ours(measured: Callable[[], Compressor], bits: int, most: int) -> Model:
    return compress_to_budget(measured(), CompressionSettings(bits), Budget(bytes=most))
