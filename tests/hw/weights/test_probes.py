# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The signals that read-back verification looks up by name are in the generated design."""

import re
from collections.abc import Iterable

import pytest
from amaranth.back.rtlil import convert

from firebrick.hw.accelerator import Pipeline
from firebrick.hw.module_names import partition_module
from firebrick.hw.weights.probes import KEPT_SIGNALS, SOURCE_SIGNALS, TARGET_SIGNALS
from firebrick.sw.compiler.lowering import compile_model
from tests.helpers.recorded_bitstream import model, recorded_roms


@pytest.fixture(scope="module")
def signals() -> set[str]:
    """The names of all signals of the engine with two filter types, relative to its partition's module."""
    engine = next(engine for engine in compile_model(model(), 30).engines if engine.name == "fire2/expand")
    text = convert(Pipeline(nodes=[engine]), name="top", emit_src=False)
    names = set()
    for module in re.split(r"(?m)^module ", text)[1:]:
        path, _, name = module.split()[0].partition(f".fire2_expand.{partition_module(0)}")
        if path == "\\top":
            names |= {f"{name}.{wire}".lstrip(".") for wire in re.findall(r"(?m)^  wire .*\\(\S+)$", module)}
    return names


def missing(probes: Iterable[tuple[str, ...]], signals: set[str]) -> list[tuple[str, ...]]:
    return [names for names in probes if not signals & set(names)]


def test_probes_name_signals_of_the_design(signals: set[str]) -> None:
    assert not missing(SOURCE_SIGNALS.values(), signals)
    assert not missing((names for names, _ in TARGET_SIGNALS.values()), signals)


def test_signals_to_keep_are_fields_of_registers_in_the_design(signals: set[str]) -> None:
    assert not [kept for kept in KEPT_SIGNALS if not any(signal.endswith(f".{kept}") for signal in signals)]


def test_probes_have_the_keys_of_older_builds() -> None:
    """A renamed signal must keep its key, or the ROM maps of older builds could not be read."""
    for placed in recorded_roms():
        assert placed.sources.keys() - {"output.valid"} <= SOURCE_SIGNALS.keys()
        assert placed.targets.keys() <= TARGET_SIGNALS.keys()
    assert SOURCE_SIGNALS.keys() == {name for placed in recorded_roms() for name in placed.sources} - {"output.valid"}
    assert TARGET_SIGNALS.keys() == {name for placed in recorded_roms() for name in placed.targets}
