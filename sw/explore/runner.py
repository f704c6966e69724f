# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs an exploration: cached points are not evaluated again, and a point that fails does not stop the others."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from ..errors import FirebrickError
from ..utils.progress import Progress
from .design_points import DesignPoint, TrainedModel
from .evaluate_point import PointResult, Synthesis, evaluate_point
from .result_cache import ResultCache

logger = logging.getLogger(__name__)

Row = dict[str, Any]
"""One point for tables and JSON: choices, results, and in ``failed`` why there is no result, empty if there is one."""
METAPARAMETERS = ("base_e", "incr_e", "pct3x3", "freq", "sr", "bypass")
CHOICE_COLUMNS = ("model", *METAPARAMETERS, "classes", "input", "bits", "density", "seed", "target")
"""The choices, by column; None where one does not apply."""
RESULT_COLUMNS = (
    *("network", "parameters", "float32_bytes", "nonzero", "bytes", "macs", "nonzero_macs"),
    *("cycles", "lanes", "luts", "block_rams", "multipliers", "synthesised", "short"),
)
"""What `evaluate_point` returns."""


def explore(
    points: Sequence[DesignPoint],
    cache: ResultCache,
    workers: Callable[[], AbstractContextManager[Executor]],
    progress: Progress,
    synthesis: Synthesis | None = None,
) -> dict[str, PointResult | str]:
    """Evaluate the points that are not in the cache, and store each result as soon as it is there.

    Args:
        points: what to evaluate; points with the same key are evaluated once.
        cache: where results are looked up and stored.
        workers: gives the executor; only entered if there is something to evaluate.
        progress: is called after each point.
        synthesis: see `evaluate_point`.

    Returns:
        For each point's key, its result, or a sentence that says why there is none.
    """
    cached = {point.key: result for point in points if (result := cache.get(point)) is not None}
    missing = {point.key: point for point in points if point.key not in cached}.values()
    count = len(cached) + len(missing)
    results: dict[str, PointResult | str] = dict(cached)
    logger.info("%d of %d design points are cached", len(cached), count)
    if not missing:
        return results
    step = "exploring"
    progress(step, len(cached), count)
    with workers() as executor:
        pending = {executor.submit(partial(evaluate_point, point, synthesis)): point for point in missing}
        for future in as_completed(pending):
            point = pending[future]
            try:
                results[point.key] = future.result()
            except FirebrickError as error:
                logger.info("design point %s failed: %s", point.key, error)
                results[point.key] = str(error)
            except Exception as error:  # whatever is wrong with one point, the others go on
                results[point.key] = f"{type(error).__name__}: {error}"
            else:
                cache.put(point, future.result())
            progress(step, len(results), count)
    return results


def rows(
    points: Sequence[DesignPoint], results: Mapping[str, PointResult | str], frequency: float, accuracy: Mapping[str, Mapping[str, float]]
) -> list[Row]:
    """A row for each point in order, with frames per second at a clock in Hz; ``accuracy`` (top1, top5) is by digest of trained models."""
    return [_row(point, results[point.key], frequency, accuracy) for point in points]


def _row(point: DesignPoint, result: PointResult | str, frequency: float, accuracy: Mapping[str, Mapping[str, float]]) -> Row:
    source = point.model_source
    row: Row = dict.fromkeys(CHOICE_COLUMNS)
    row["target"] = point.target.name
    known_accuracy: Mapping[str, float] = {}
    if isinstance(source, TrainedModel):
        row["model"] = source.name
        known_accuracy = accuracy.get(source.sha256, {})
    else:
        metaparameters = source.metaparameters
        row |= {name: getattr(metaparameters, name) for name in METAPARAMETERS} | {"bypass": metaparameters.bypass.value}
        row |= {name: getattr(source, name) for name in ("classes", "bits", "density", "seed")}
        row["input"] = f"{source.height}x{source.width}"
    row |= dict.fromkeys(RESULT_COLUMNS)
    if isinstance(result, str):
        return row | {"fits": None, "fps": None, "top1": None, "top5": None, "failed": result}
    row |= result
    fps = round(frequency / result["cycles"], 3)
    top1, top5 = known_accuracy.get("top1"), known_accuracy.get("top5")
    return row | {"fits": not result["short"], "fps": fps, "top1": top1, "top5": top5, "failed": ""}
