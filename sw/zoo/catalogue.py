# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Models by name or path: those that ship with the package, and the user's own .fire files."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from ..errors import FirebrickError
from ..utils.suggestions import did_you_mean

if TYPE_CHECKING:
    from ..model.quantized import Model

DEFAULT = "squeezenet1_1"
DEFAULT_LANES = 320
"""Default number of multipliers for a whole network; the same in all commands, so that only one simulation is compiled."""
DEFAULT_FREQUENCY = 80.0
"""MHz that networks of this kind reach in FPGAs of the ECP5 kind."""
_SHIPPED = files("firebrick.sw.zoo").joinpath("models")


class MeasuredAccuracy(TypedDict):
    """The accuracy of a shipped model in the golden model, as ``scripts/measure_models.py`` measured it."""

    pictures: int
    measured_on: str
    """What the pictures are."""
    top1: float
    top5: float
    top1_error: float
    top5_error: float
    """Accuracies from 0 to 1, and their standard errors."""
    sha256: str
    """Of the model's file."""


def names() -> tuple[str, ...]:
    """Names of the models that ship with the package."""
    return tuple(sorted(file.name.removesuffix(".fire") for file in _SHIPPED.iterdir() if file.name.endswith(".fire")))


def size(name: str) -> int:
    """Size of a shipped model's file in bytes."""
    return len(_SHIPPED.joinpath(f"{name}.fire").read_bytes())


def accuracy(name: str) -> MeasuredAccuracy | None:
    """The accuracy of a shipped model; None if it has not been measured."""
    measured: dict[str, MeasuredAccuracy] = json.loads(_SHIPPED.joinpath("accuracy.json").read_bytes())
    return measured.get(name)


def load(model: str) -> "Model":
    """The model with a name from ``names()``, or in the .fire file at a path; raises FirebrickError when there is no such model."""
    from ..fire_format.file import read_fire  # imports NumPy, which `firebrick --help` does not need

    if model in names():
        with as_file(_SHIPPED.joinpath(f"{model}.fire")) as path:
            return read_fire(path)
    path = Path(model)
    if path.is_dir():
        raise FirebrickError(f"model {model} is a folder; name a .fire file, or one of: {', '.join(names())}")
    if not path.exists():
        hint = did_you_mean(model, names()) or f"give a .fire file's path or one of: {', '.join(names())}"
        raise FirebrickError(f"model {model} is neither a file nor a name that `firebrick models` lists; {hint}")
    return read_fire(path)
