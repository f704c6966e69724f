# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Suggestions for misspelt names."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The question whether the name that is spelt most like a word was meant, empty if none is; upper and lower case are alike."""
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), by_lower, 1, cutoff=0.7)
    return f"did you mean {by_lower[close[0]]}?" if close else ""
