# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the commands that build for a board take where nothing is named: the board, and the largest model that fits it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from .common import load_model

if TYPE_CHECKING:
    from firebrick.hw.boards.target import Target

    from ..model.quantized import Model

BOARD = "ulx3s_85f"
"""The board unless another is given."""


def largest_model(classes: str | None, target_for: "Callable[[Model], Target]") -> "Model":
    """The largest shipped model that fits, reduced to some classes if they are given; a note says why."""
    from ..zoo.selection import IMAGENET, LARGEST_FIRST, largest_that_fits

    names = LARGEST_FIRST if classes is None else IMAGENET
    name, model, deficits = largest_that_fits(names, lambda name: load_model(name, classes), target_for)
    reason = "; ".join(f"{other} needs {deficit}" for other, deficit in deficits.items()) or "the largest that ships"
    note(f"taking the model {name}: {reason}")
    return model


def note(text: str) -> None:
    """Say something that is no result."""
    click.echo(text, err=True)
