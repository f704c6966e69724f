# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Parameters of tests of which some run always and the others only among the slow tests."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_unless(quick: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """Values for ``parametrize``; those that are not among the ``quick`` ones are marked as slow."""
    return [
        value if value in quick else pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)
        for value in values
    ]
