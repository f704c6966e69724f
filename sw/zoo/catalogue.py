# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Models by name or by path: those that ship inside the package, and the user's own .fire files."""

from difflib import get_close_matches
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FirebrickError

if TYPE_CHECKING:
    from ..model.quantized import Model

DEFAULT = "squeezenet1_1"
DEFAULT_LANES = 320
"""Multipliers that a whole network gets unless told otherwise; one number, so that one simulation is built."""
_SHIPPED = files("firebrick.sw.zoo").joinpath("models")


def names() -> tuple[str, ...]:
    """The names of the models that ship inside the package."""
    return tuple(sorted(file.name.removesuffix(".fire") for file in _SHIPPED.iterdir() if file.name.endswith(".fire")))


def size(name: str) -> int:
    """The bytes of a shipped model's file."""
    return len(_SHIPPED.joinpath(f"{name}.fire").read_bytes())


def load(model: str) -> "Model":
    """The model of a name from ``names()``, or of a .fire file's path."""
    from ..fire_format.file import read_fire  # needs NumPy, which `firebrick --help` does without

    if model in names():
        with as_file(_SHIPPED.joinpath(f"{model}.fire")) as path:
            return read_fire(path)
    path = Path(model)
    if path.is_dir():
        raise FirebrickError(f"model {model} is a folder; name a .fire file, or one of: {', '.join(names())}")
    if not path.exists():
        close = get_close_matches(model, names(), 1)
        hint = f"did you mean {close[0]}?" if close else f"give a .fire file's path or one of: {', '.join(names())}"
        raise FirebrickError(f"model {model} is neither a file nor a name that `firebrick models` lists; {hint}")
    return read_fire(path)
