# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A proof: a property of a component, how it is proven, and the faults that lose it."""

import inspect
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from .bench import Bench


class Engine(StrEnum):
    """How a property is proven. PDR and INDUCTION hold for any number of cycles, BOUNDED only for ``Proof.depth``."""

    PDR = "abc pdr"
    """Property-directed reachability in ABC: finds the invariants itself. For control and narrow payloads."""
    INDUCTION = "smtbmc yices"
    """``Proof.depth``-induction with Yices: the property must state the invariants, but memories stay arrays, of any size."""
    BOUNDED = "smtbmc --progress yices"
    """Every run of ``Proof.depth`` cycles from the initial state, with Yices."""


@dataclass(frozen=True)
class Fault:
    """A wrong line in a component: with it, the proof must fail."""

    module: types.ModuleType
    right: str
    """The text as it is; it occurs once in the module."""
    wrong: str
    """What stands in its place."""


@dataclass(frozen=True)
class Proof:
    """A property of a component, as ``build`` states it. The first paragraph of its docstring says it in a sentence."""

    name: str
    build: Callable[[Bench], None]
    faults: tuple[Fault, ...]
    """At least one."""
    size: str = ""
    """The parameters for which it is proven, such as "depth 4"."""
    engine: Engine = Engine.PDR
    depth: int = 20
    """Cycles: of induction, or of a bounded proof."""
    counterexample_depth: int = 24
    """Cycles that suffice to see the events of ``Bench.reaches`` and each of the faults."""
    multiclock: bool = False
    """Whether it has more than one clock."""
    quick: bool = True
    """Whether it is one of those that run unless all are asked for: it takes a few seconds."""

    def __post_init__(self) -> None:
        if not self.faults:
            raise ValueError(f"{self.name}: a proof must have at least one fault that loses it")

    @property
    def sentence(self) -> str:
        """What is proven, in a sentence."""
        paragraph, _, _ = inspect.cleandoc(self.build.__doc__ or "").partition("\n\n")
        return " ".join(paragraph.split())

    @property
    def bound(self) -> str:
        """For how many cycles it holds."""
        return f"{self.depth} cycles" if self.engine is Engine.BOUNDED else "unbounded"

    def rtlil(self, *, negate: bool = False, fault: Fault | None = None) -> str:
        """The design; with a false property (``negate``), or with a fault in the component."""
        bench = Bench()
        if fault is None:
            self.build(bench)
            return bench.rtlil(negate=negate)
        with planted(fault):
            self.build(bench)
            return bench.rtlil(negate=negate)


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Change a line of a loaded module: its functions get the code of the changed source, and their own code again at the end."""
    source = inspect.getsource(fault.module)
    if source.count(fault.right) != 1:
        raise ValueError(f"{fault.module.__name__} must have this text once, not {source.count(fault.right)} times: {fault.right}")
    changed = types.ModuleType(fault.module.__name__)
    changed.__package__ = fault.module.__package__
    changed.__file__ = fault.module.__file__
    exec(compile(source.replace(fault.right, fault.wrong), str(fault.module.__file__), "exec"), changed.__dict__)  # noqa: S102 - a planted fault, of our own source
    originals = _functions(fault.module)
    own_code = {name: function.__code__ for name, function in originals.items()}
    try:
        for name, function in _functions(changed).items():
            originals[name].__code__ = function.__code__
        yield
    finally:
        for name, code in own_code.items():
            originals[name].__code__ = code


def _functions(module: types.ModuleType) -> dict[str, types.FunctionType]:
    """The functions and methods that a module defines, by qualified name."""
    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    values = [*own, *(member for value in own if isinstance(value, type) for member in vars(value).values())]
    plain = [value.fget if isinstance(value, property) else getattr(value, "__func__", value) for value in values]
    return {value.__qualname__: value for value in plain if isinstance(value, types.FunctionType) and value.__module__ == module.__name__}
