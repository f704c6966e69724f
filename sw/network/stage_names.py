# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Names of stages. They become names of modules in Verilog, where tools, timing reports and read-back verification look them up."""

import re
from collections.abc import Iterator, Mapping, Sequence

STAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
"""An identifier of Verilog and Python. Two underscores in a row separate the parts of a port's name, so they are left out."""
STAGE_NAME_MAX = 64
"""Characters in the name of a stage."""
SIGNALS = ("busy", "clk", "rst")
"""Signals beside the modules of the stages; a module of the same name would be renamed."""
ADAPTERS = ("downsizer", "serializer")
"""Modules between stages have one of these names and a number."""
FIRE_PARTS = ("squeeze", "expand", "bypass", "skip_fifo", "bypass_fifo")
"""Modules of a Fire module: its name, an underscore and one of these."""

_RESERVED = re.compile(rf"{'|'.join(SIGNALS)}|({'|'.join(ADAPTERS)})_[0-9]+")


def name_problems(name: str) -> Iterator[str]:
    """What makes a stage's name illegal on its own, worded for messages."""
    if len(name) > STAGE_NAME_MAX or not STAGE_NAME.fullmatch(name):
        yield (
            f"a stage's name must be at most {STAGE_NAME_MAX} letters, digits and single underscores, and begin with a letter, "
            f"not {name[: STAGE_NAME_MAX + 1]!r}"
        )
    elif _RESERVED.fullmatch(name):
        yield f"the name {name!r} is that of something else in the hardware; choose another"


def clashes(names: Sequence[str], fires: Sequence[str]) -> Mapping[str, str]:
    """The stages whose name is that of a Fire module's part, each with that Fire module; ``fires`` are the names of all Fire modules."""
    parts = {f"{fire}_{part}": fire for fire in fires for part in FIRE_PARTS}
    return {name: parts[name] for name in names if name in parts}
