# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The inside of a component: induction needs invariants that relate its registers to what has happened at its ports."""

import sys
from types import FrameType
from typing import Any

from amaranth.hdl import Signal, Value
from amaranth.lib import data


def internals(component: Any) -> dict[str, Any]:
    """The signals of a ``wiring.Component`` by their names, and its other local variables, such as submodules and memories, by theirs.

    Elaborates the component, whose ``elaborate`` returns the same module from then on. A port can be added to a memory found in it, and
    a submodule can be looked into, before the design is made. Of signals of one name the last one counts.
    """
    found: dict[str, Any] = {}
    file = type(component).elaborate.__code__.co_filename

    def record(frame: FrameType, event: str, _argument: object) -> None:
        if event == "return" and frame.f_code.co_filename == file:
            for name, value in frame.f_locals.items():
                for one in value if isinstance(value, list) else [value]:
                    signal = Value.cast(one) if isinstance(one, data.View) else one
                    found[signal.name if isinstance(signal, Signal) else name] = one
                if isinstance(value, list):
                    found[name] = value

    previous = sys.getprofile()
    sys.setprofile(record)
    try:
        module = component.elaborate(None)
    finally:
        sys.setprofile(previous)
    component.elaborate = lambda _platform: module
    return found
