# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The lines of text on a screen."""

import unicodedata

from .font import CHARACTERS
from .layout import (
    CLASS_LINE,
    COLUMNS,
    DROPPED_END,
    LINES,
    MS_END,
    NAME_COLUMNS,
    PERCENT_END,
    RATE_END,
    RATE_LINE,
    STATE_COLUMN,
    STATE_LINE,
)
from .probabilities import ClassShare
from .settings import DisplaySettings
from .state import DROPPED_MAX, FRAMES_PER_SECOND_MAX, STATUS_TEXT, TENTHS_MS_MAX, ScreenState

CLASS = "class "
"""What precedes the number of a class without a name."""
RATE_LABEL, MS_LABEL, DROPPED_LABEL, PERCENT_LABEL = " fps", " ms", "dropped", "%"


def displayed_name(name: str, columns: int = NAME_COLUMNS) -> str:
    """A name as the screen shows it: in ASCII, without accents, and a long one cut, with a full stop at its end."""
    plain = "".join(character for character in unicodedata.normalize("NFKD", name.strip()) if not unicodedata.combining(character))
    plain = "".join(character if character in CHARACTERS else "?" for character in plain)
    return plain if len(plain) <= columns else plain[: columns - 1].rstrip() + "."


def number_digits(classes: int) -> int:
    """Decimal digits of the number of a class."""
    return len(str(classes - 1))


def class_name(settings: DisplaySettings, index: int) -> str:
    """The name of a class, or its number with leading zeros."""
    name = settings.names[index]
    shown = "" if name is None else displayed_name(name)
    return shown or f"{CLASS}{index:0{number_digits(len(settings.names))}d}"


def fixed_cells(settings: DisplaySettings) -> dict[tuple[int, int], str]:
    """The characters that never change, by line and column."""
    texts = {
        (0, 0): displayed_name(settings.network, COLUMNS),
        (RATE_LINE, RATE_END + 1): RATE_LABEL,
        (RATE_LINE, MS_END + 1): MS_LABEL,
        (STATE_LINE, 0): DROPPED_LABEL,
    }
    return {(line, column + offset): character for (line, column), text in texts.items() for offset, character in enumerate(text)}


def text_lines(state: ScreenState, settings: DisplaySettings) -> list[str]:
    """The LINES lines of text, of COLUMNS characters each."""
    lines = [[" "] * COLUMNS for _ in range(LINES)]
    for (line, column), character in fixed_cells(settings).items():
        lines[line][column] = character

    def put(line: int, end: int, text: str) -> None:
        lines[line][end + 1 - len(text) : end + 1] = text

    for place, share in enumerate(state.classes):
        line, name = CLASS_LINE + place, class_name(settings, share.index)
        put(line, len(name) - 1, name)
        put(line, PERCENT_END, _tenths(share.tenths))
        put(line, PERCENT_END + 1, PERCENT_LABEL)
    put(RATE_LINE, RATE_END, str(min(state.frames_per_second, FRAMES_PER_SECOND_MAX)))
    put(RATE_LINE, MS_END, _tenths(min(state.tenths_ms, TENTHS_MS_MAX)))
    put(STATE_LINE, DROPPED_END, str(min(state.dropped, DROPPED_MAX)))
    status = STATUS_TEXT[state.status]
    put(STATE_LINE, STATE_COLUMN + len(status) - 1, status)
    return ["".join(line) for line in lines]


def _tenths(value: int) -> str:
    return f"{value // 10}.{value % 10}"


def shown_share(share: ClassShare, settings: DisplaySettings) -> str:
    """A class as text, such as "tabby 41.5 %"."""
    return f"{class_name(settings, share.index)} {_tenths(share.tenths)} %"
