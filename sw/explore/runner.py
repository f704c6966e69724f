# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs an exploration: what is known is not measured again, and what cannot be measured stops nothing."""

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
"""One point for people and other programs: what was chosen, what was found, and ``failed``, why it was not, empty where it was."""


def explore(
    points: Sequence[DesignPoint],
    store: ResultCache,
    workers: Callable[[], AbstractContextManager[Executor]],
    progress: Progress,
    synthesis: Synthesis | None = None,
) -> dict[str, PointResult | str]:
    """Measure points that the store does not know, and keep what is found as it comes.

    Returns, by the points' keys, what was found, or in a sentence why it was not. ``workers`` is only entered where there is work.
    """
    known = {point.key: found for point in points if (found := store.get(point)) is not None}
    missing = {point.key: point for point in points if point.key not in known}.values()
    count = len(known) + len(missing)
    results: dict[str, PointResult | str] = dict(known)
    logger.info("%d of %d design points are cached", len(known), count)
    if not missing:
        return results
    what = "exploring"
    progress(what, len(known), count)
    with workers() as executor:
        waiting = {executor.submit(partial(evaluate_point, point, synthesis)): point for point in missing}
        for future in as_completed(waiting):
            point = waiting[future]
            try:
                results[point.key] = future.result()
            except FirebrickError as error:
                logger.info("design point %s failed: %s", point.key, error)
                results[point.key] = str(error)
            except Exception as error:  # whatever is wrong with one point, the others go on
                results[point.key] = f"{type(error).__name__}: {error}"
            else:
                store.put(point, future.result())
            progress(what, len(results), count)
    return results


def rows(
    points: Sequence[DesignPoint], results: Mapping[str, PointResult | str], frequency: float, accuracy: Mapping[str, Mapping[str, float]]
) -> list[Row]:
    """A row for each point in order, frames a second for a clock in Hz; ``accuracy`` (top1, top5) is by digest of trained models."""
    return [_row(point, results[point.key], frequency, accuracy) for point in points]


def _row(point: DesignPoint, found: PointResult | str, frequency: float, accuracy: Mapping[str, Mapping[str, float]]) -> Row:
    subject = point.model_source
    row: Row = dict.fromkeys(CHOICE_COLUMNS)
    row["target"] = point.target.name
    known: Mapping[str, float] = {}
    if isinstance(subject, TrainedModel):
        row["model"] = subject.name
        known = accuracy.get(subject.sha256, {})
    else:
        meta = subject.metaparameters
        row |= {name: getattr(meta, name) for name in METAPARAMETERS} | {"bypass": meta.bypass.value}
        row |= {name: getattr(subject, name) for name in ("classes", "bits", "density", "seed")}
        row["input"] = f"{subject.height}x{subject.width}"
    row |= dict.fromkeys(RESULT_COLUMNS)
    if isinstance(found, str):
        return row | {"fits": None, "fps": None, "top1": None, "top5": None, "failed": found}
    row |= found
    fps = round(frequency / found["cycles"], 3)
    return row | {"fits": not found["short"], "fps": fps, "top1": known.get("top1"), "top5": known.get("top5"), "failed": ""}


METAPARAMETERS = ("base_e", "incr_e", "pct3x3", "freq", "sr", "bypass")
CHOICE_COLUMNS = ("model", *METAPARAMETERS, "classes", "input", "bits", "density", "seed", "target")
"""What was chosen, by column; None where it does not apply."""
RESULT_COLUMNS = (
    *("network", "parameters", "float32_bytes", "nonzero", "bytes", "macs", "nonzero_macs"),
    *("cycles", "lanes", "luts", "block_rams", "multipliers", "synthesised", "short"),
)
"""What `measure` finds."""
