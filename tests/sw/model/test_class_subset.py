# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Class subsets: the remaining classes keep their scores."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.model.class_subset import keep_classes, read_classes
from firebrick.sw.model.quantized import Model
from tests.helpers.random_models import random_model


def model_of(seed: int) -> Model:
    model = random_model(np.random.default_rng(seed), fires=1)
    return replace(model, labels=tuple(f"Class {index}" for index in range(model.network.classes)))


@pytest.mark.parametrize("seed", range(8))
def test_keep_classes_leaves_scores_as_they_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = model_of(seed)
    kept = rng.permutation(model.network.classes)[: rng.integers(1, model.network.classes + 1)].tolist()
    subset = keep_classes(model, kept)
    subset.verify()
    shape = model.network.input
    frames = rng.integers(0, 256, (2, shape.channels, shape.height, shape.width), np.uint8)
    np.testing.assert_array_equal(golden.run(subset, frames), golden.run(model, frames)[:, kept])
    assert subset.labels == tuple(model.labels[index] for index in kept)


@pytest.mark.parametrize("classes", [[], [0, 0], [-1], [10**6]])
def test_keep_classes_rejects_bad_indices(classes: list[int]) -> None:
    with pytest.raises(FirebrickError, match="classes must be one or more different indices from 0 to"):
        keep_classes(model_of(0), classes)


def labelled(*labels: str) -> Model:
    return replace(model_of(0), labels=labels)


def test_read_classes_takes_names_and_indices(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("  cat\n\n2\nDOG \n")
    assert read_classes(path, labelled("Cat", "dog", "crane", "crane")) == [0, 2, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no class; give one a line, by name or by index from 0 to 3"),
        ("cat\nunicorn", "line 2: 'unicorn' is none of the model's classes; give an index from 0 to 3"),
        ("4", "line 1: '4' is none of the model's classes"),
        ("crane", "line 1: 'crane' is the name of several: 2, 3; give an index"),
        ("cat\n0", "line 2: '0' is there twice; give each class once"),
    ],
)
def test_read_classes_rejects_unknown_and_ambiguous_classes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.txt"
    path.write_text(text)
    with pytest.raises(FirebrickError, match=message):
        read_classes(path, labelled("Cat", "dog", "crane", "crane"))


def test_read_classes_rejects_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FirebrickError, match="is no text in UTF-8"):
        read_classes(path, model_of(0))
    with pytest.raises(FirebrickError, match=r"cannot be read \(No such file or directory\); name a text file with one class a line"):
        read_classes(tmp_path / "none", model_of(0))


def test_verilog_of_a_class_subset_has_fewer_macs(tmp_path: Path) -> None:
    model = model_of(3)
    write_fire(model, tmp_path / "all.fire")
    (tmp_path / "one.txt").write_text("0\n")
    options = ["verilog", "--model", str(tmp_path / "all.fire"), "--lanes", "8", "--json", "-o", str(tmp_path / "out")]
    macs = []
    for extra in ([], ["--classes", str(tmp_path / "one.txt")]):
        result = CliRunner().invoke(main, [*options, *extra], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        macs.append(json.loads(result.stdout)["macs"])
    last = model.network.layers()[-1]
    assert macs[1] == macs[0] - last.macs + last.macs // model.network.classes
