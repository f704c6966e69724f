# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Every reader of files and packets accepts an input or refuses it in a sentence, within time and memory; `make fuzz` tries longer."""

import time
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from firebrick.sw.errors import FirebrickError

from .check import FindingError, Tally, Target
from .inputs import inputs
from .reader import measured
from .targets import TARGETS

SECONDS = 1.0
"""Processor time for a reader, after its seeds; more until it has refused an input."""
INPUTS = 300
"""At most that many mutated inputs."""


@pytest.mark.parametrize("name", TARGETS)
def test_reader_accepts_or_refuses(name: str) -> None:
    target, tally = TARGETS[name], Tally()
    for seed in target.seeds():
        tally.check(target, seed)
    assert (tally.refused, tally.accepted > 0) == (0, True)
    start = time.process_time()
    for data in islice(inputs(target, seed=1), INPUTS):
        tally.check(target, data)
        if time.process_time() - start > SECONDS and (tally.refused or name == "packets"):
            break
    assert tally.refused or name == "packets"  # which counts what it drops


def test_inputs_depend_on_the_seed_alone() -> None:
    target = TARGETS["packets"]
    first, again, other = (list(islice(inputs(target, seed), 50)) for seed in (1, 1, 2))
    assert first == again != other


def test_make_fuzz_prints_coverage_and_keeps_what_it_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = TARGETS["labels"].read

    def damaged(data: bytes) -> None:
        with suppress(FirebrickError):
            read(data)
        if len(data) > 2:
            raise IndexError

    monkeypatch.setitem(TARGETS, "labels", replace(TARGETS["labels"], read=damaged))
    row = measured("labels", tmp_path, 0.3, seed=1)
    assert (row["inputs"] > 0, 0 < row["coverage"] < 100) == (True, True)
    assert "labels: IndexError" in row["findings"][0]
    assert [len(path.read_bytes()) > 2 for path in (tmp_path / "findings").iterdir()] == [True]


def _raise(error: Exception) -> None:
    raise error


def _spin(_: bytes) -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda _: _raise(IndexError("list index out of range")), "IndexError: list index out of range"),
        (lambda _: _raise(FirebrickError("two\nlines")), "one short line"),
        (lambda _: _raise(FirebrickError("")), "one short line"),
        (lambda _: _raise(FirebrickError("x" * 2000)), "one short line"),
        (_spin, r"must take at most 1 s"),
        (lambda _: len(b"x" * (60 << 20)), "must take at most 16 MB"),
    ],
)
def test_check_finds_what_a_reader_must_not_do(read: object, message: str) -> None:
    target = Target("planted", read, lambda: [b""], (), megabytes=16, seconds=1.0)  # type: ignore[arg-type]
    with pytest.raises(FindingError, match=message):
        Tally().check(target, b"")
