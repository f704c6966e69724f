# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The emitted hardware does not depend on the Python that emits it.

Amaranth names a signal after the variable that it is assigned to, which it reads from the bytecode after the call. Since Python 3.13 two
instructions of one source line may be fused (``STORE_FAST_LOAD_FAST``), and the name is lost. A signal is safe if it has a name of its
own or if its assignment is the only statement of its line.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firebrick.hw.weights.probes import SOURCE_SIGNALS, TARGET_SIGNALS
from tests.helpers.paths import ROOT

HARDWARE = sorted((ROOT / "hw").rglob("*.py"))
OTHER_PYTHONS = os.environ.get("FIREBRICK_PYTHONS", "")
"""Interpreters that have Firebrick's dependencies, separated like the folders of PATH."""
DIGEST = """
import hashlib
from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.registry import board
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.zoo.catalogue import load

ulx3s, model = board("ulx3s_12f"), load("digits")
plan = compile_model(model, 10)
top = BoardTop(plan=plan, model=model, flow=ulx3s.flow, frequency=ulx3s.frequency, link="uart")
design = ulx3s.platform().prepare(top, name="firebrick", emit_src=False).files[ulx3s.flow.design]
print(hashlib.sha256(design if isinstance(design, bytes) else design.encode()).hexdigest())
"""


def creates_signal(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name("Signal") | ast.Attribute(value=ast.Name("Signal"), attr="like")):
            return True
    return False


def named_by_variable(tree: ast.AST) -> Iterator[tuple[ast.Call, bool]]:
    """The calls that create signals without an explicit name, and whether each is the whole right-hand side of a statement."""
    whole = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) or (isinstance(node, ast.Assign) and len(node.targets) == 1)
    }
    for node in ast.walk(tree):
        if creates_signal(node) and isinstance(node, ast.Call) and not any(keyword.arg == "name" for keyword in node.keywords):
            yield node, node in whole


def unsafe_lines(source: str) -> list[int]:
    """The lines with a signal whose name may depend on the version of Python."""
    tree = ast.parse(source)
    statements: dict[int, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            statements[node.lineno] = statements.get(node.lineno, 0) + 1
    return sorted(call.lineno for call, whole in named_by_variable(tree) if not whole or statements[call.lineno] > 1)


@pytest.mark.parametrize("path", HARDWARE, ids=[str(path.relative_to(ROOT)) for path in HARDWARE])
def test_signals_are_named_explicitly_or_by_a_statement_of_their_own(path: Path) -> None:
    assert unsafe_lines(path.read_text()) == []


def test_signals_that_may_lose_their_names_are_found() -> None:
    source = (
        "a, b = Signal(), Signal()\nc = [Signal(8) for _ in range(3)]\nd = Signal(); e = d\nf = Signal.like(d)\ng = [Signal(name='g')]\n"
    )
    assert unsafe_lines(source) == [1, 1, 2, 3]


def explicit_names(source: str) -> Iterator[str]:
    """The names that are given to signals, with ``{stage}`` and the like where a name is formatted."""
    for node in ast.walk(ast.parse(source)):
        if creates_signal(node) and isinstance(node, ast.Call):
            for keyword in node.keywords:
                match keyword:
                    case ast.keyword(arg="name", value=ast.Constant(str(name))):
                        yield name
                    case ast.keyword(arg="name", value=ast.JoinedStr() as formatted):
                        yield ast.unparse(formatted)[2:-1]


def test_signals_that_read_back_looks_up_have_explicit_names() -> None:
    explicit = {name for path in HARDWARE for name in explicit_names(path.read_text())}
    paths = [
        *(name for names in SOURCE_SIGNALS.values() for name in names),
        *(name for names, _ in TARGET_SIGNALS.values() for name in names),
    ]
    ports = {path for path in paths if "__" in path}  # named by the component's signature
    fields = {"weights.entry.group": "entry", "weights.entry.tap": "entry", "weights.entry.inner": "entry"}
    stages = {"mac.control_1.centroid": "control_{stage}", "mac.control_2.filter": "control_{stage}"}
    signals = {path: (fields | stages).get(path, path.rpartition(".")[2]) for path in paths if path not in ports}
    assert {path: signal for path, signal in signals.items() if signal not in explicit} == {}


@pytest.mark.skipif(not OTHER_PYTHONS, reason="FIREBRICK_PYTHONS names no other Python that has Firebrick's dependencies")
def test_design_is_the_same_bytes_under_other_pythons() -> None:
    def digest(python: str) -> str:
        return subprocess.run([python, "-c", DIGEST], check=True, capture_output=True, text=True).stdout

    own = digest(sys.executable)
    assert {python: digest(python) for python in OTHER_PYTHONS.split(os.pathsep)} == dict.fromkeys(OTHER_PYTHONS.split(os.pathsep), own)
