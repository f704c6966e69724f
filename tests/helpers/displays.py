# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Displays to test with: names, scores, and what the screen must show."""

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.display.settings import DisplaySettings
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec

CLASSES = 1000
LONGEST = "a name of more than 24 characters"


def many_names() -> tuple[str | None, ...]:
    """A thousand names: short, long, with accents and other characters, none."""
    rng = np.random.default_rng(7)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz -'ABCXYZ"))
    names: list[str | None] = ["".join(rng.choice(letters, rng.integers(1, 25))).strip() or "blank" for _ in range(CLASSES)]
    names[:6] = [LONGEST, "x", None, "Äpfel & Öl {~}", None, "W" * 24]
    return tuple(names)


def settings(**changes: object) -> DisplaySettings:
    """A display with a thousand classes whose scores have 16 bits."""
    values: dict[str, object] = {"network": "a_network", "names": many_names(), "score_scale": 0.00576, "led_class": 3, "led_percent": 50}
    return DisplaySettings(**values | changes)  # type: ignore[arg-type]


def global_sum(classes: int = CLASSES, positions: int = 13, zero_point: int = 0) -> GlobalSumSpec:
    """Scores as a network has them: sums over positions x positions bytes."""
    layout = LaneLayout(lanes=1, width=positions, order=tuple(range(positions)))
    return GlobalSumSpec("pool", layout, classes, positions, zero_point)


def random_scores(rng: np.random.Generator, spec: GlobalSumSpec) -> NDArray[np.int64]:
    """Scores with ties and extremes."""
    low, high = (-(1 << spec.score_bits - 1), (1 << spec.score_bits - 1) - 1) if spec.score_signed else (0, (1 << spec.score_bits) - 1)
    kind = rng.integers(4)
    if kind == 0:  # few different values
        return rng.choice(rng.integers(low, high, 3, endpoint=True), spec.channels)
    if kind == 1:  # ascending or descending
        return np.sort(rng.integers(low, high, spec.channels, endpoint=True))[:: rng.choice([-1, 1])]
    if kind == 2:  # close to each other, at an end of the range
        return np.clip((low if rng.random() < 0.5 else high) + rng.integers(-600, 600, spec.channels), low, high)
    return rng.integers(low, high, spec.channels, endpoint=True)
