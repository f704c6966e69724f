# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How long a training will take, by the steps so far."""

from collections.abc import Sequence

_WARM_UP = 2
"""Steps that are not counted: the first ones allocate memory and wait for pictures."""


class Pace:
    """The time that steps take in proportion to their work.

    Args:
        works: the work of each step, in any unit.
    """

    def __init__(self, works: Sequence[float]) -> None:
        self._works = works
        self._seconds, self._done, self._steps = 0.0, 0.0, 0

    def note(self, step: int, seconds: float) -> None:
        """A step took so long."""
        self._steps += 1
        if self._steps > _WARM_UP:
            self._seconds += seconds
            self._done += self._works[step]

    def seconds(self, start: int, stop: int | None = None) -> float:
        """About how long the steps from ``start`` to before ``stop`` take; 0 before any step is counted."""
        return sum(self._works[start:stop]) * self._seconds / self._done if self._done else 0.0


def duration(seconds: float) -> str:
    """A time as text, to minutes from a minute on: `35 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
