# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a display is built for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import FirebrickError
from ..model.quantized import Model


@dataclass(frozen=True)
class DisplaySettings:
    """What a display is built for: a network, its scores, the names that it shows, and the class of its LEDs."""

    network: str
    """The title."""
    names: tuple[str | None, ...]
    """The name of each class in the order of the scores; None for one that is shown by its number."""
    score_scale: float
    """A score times this is the float network's (`Model.score_scale`)."""
    led_class: int = 0
    """The class for which the LEDs are lit."""
    led_percent: int = 50
    """The probability from which on they are, in percent, 1 to 100."""
    names_in_block_ram: bool = False
    """The names lie in block RAM, not in look-up tables."""

    def __post_init__(self) -> None:
        """Raises FirebrickError for an LED class or threshold that there is not."""
        if not 0 <= self.led_class < len(self.names):
            raise FirebrickError(f"the class of the LEDs must be from 0 to {len(self.names) - 1}, not {self.led_class}")
        if not 1 <= self.led_percent <= 100:
            raise FirebrickError(f"the threshold of the LEDs must be 1 to 100 percent, not {self.led_percent}")


@dataclass(frozen=True)
class DisplayOptions:
    """What a user chooses of a display."""

    classes: tuple[int, ...] | None = None
    """The classes that are shown by name; None for all."""
    led_class: int | None = None
    """The class for which the LEDs are lit; None for the first one where there is a screen, and for none where there is no screen."""
    led_percent: int = 50
    """The probability from which on they are, in percent, 1 to 100."""
    names_in_block_ram: bool = False
    """The names lie in block RAM, not in look-up tables."""

    def settings(self, model: Model) -> DisplaySettings:
        """The settings of a model's display. Raises FirebrickError for a class or threshold that there is not."""
        settings = display_settings(model, self.classes, self.led_class or 0, self.led_percent)
        return replace(settings, names_in_block_ram=self.names_in_block_ram)


PLAIN = DisplayOptions()
"""All names, and the LEDs of the first class."""


def display_settings(model: Model, classes: Sequence[int] | None = None, led_class: int = 0, led_percent: int = 50) -> DisplaySettings:
    """The settings of a model's display; with ``classes``, only these are shown by name, which saves memory.

    Raises FirebrickError for an index or threshold that there is not.
    """
    shown = set(range(len(model.labels)) if classes is None else classes)
    if not all(0 <= index < len(model.labels) for index in shown):
        raise FirebrickError(f"the classes that are shown by name must be indices from 0 to {len(model.labels) - 1}")
    names = tuple(label if index in shown else None for index, label in enumerate(model.labels))
    return DisplaySettings(model.network.name, names, model.score_scale, led_class, led_percent)
