# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The command line as its users see it: help, results, JSON."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.data.images import read_images
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.zoo import catalogue

COMMANDS = (
    *("models", "network", "paper", "table2", "train", "import", "compress", "inspect", "classify", "evaluate", "explore"),
    *("stream", "serve", "verilog", "boards", "bitstream", "camera", "program", "prove", "swap", "demo"),
    *("devices", "link"),
)


def firebrick(*arguments: object) -> str:
    """The stdout of the command, which must succeed and print nothing on stderr."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_every_command_is_tested_here() -> None:
    assert set(main.commands) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_json(command: str) -> None:
    text = firebrick(command, "--help")
    assert re.search(rf"Examples?:\s+firebrick {command}", text)
    assert "--json" in text


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "amaranth", "rich", "PIL", "onnx", "jinja2", "cocotb", "torch", "av", "starlette"}
    check = f"import sys, firebrick.sw.cli.main; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_program_is_installed_and_prints_only_json_on_stdout(small_model: Path, images: list[Path]) -> None:
    program = Path(sys.executable).with_name("firebrick")
    command = [str(word) for word in (program, "classify", "--json", "--model", small_model, *images)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [entry["image"] for entry in json.loads(done.stdout)] == [str(path) for path in images]


def test_models_lists_all_models_that_can_be_loaded() -> None:
    entries = json.loads(firebrick("models", "--json"))
    assert [entry["name"] for entry in entries] == list(catalogue.names())
    assert catalogue.DEFAULT in catalogue.names()
    default = next(entry for entry in entries if entry["name"] == catalogue.DEFAULT)
    assert default["weights"] == 1_231_552
    assert "MIT" in json.dumps(default["metadata"])
    assert default["multiplications"] > default["nonzero"]
    assert catalogue.DEFAULT in firebrick("models")


def test_models_says_how_accurate_they_are_and_on_what() -> None:
    """The files that were measured are those that ship."""
    entries, listed = {entry["name"]: entry for entry in json.loads(firebrick("models", "--json"))}, firebrick("models")
    for name, entry in entries.items():
        if entry["classes"] < 1000:
            assert entry["accuracy"] is None
            continue
        accuracy = entry["accuracy"]
        file = Path(catalogue.__file__).parent / "models" / f"{name}.fire"
        assert hashlib.sha256(file.read_bytes()).hexdigest() == accuracy["sha256"], f"run scripts/measure_models.py: {name} has changed"
        assert f"top-1 {accuracy['top1']:.1%} (standard error 1.6%)" in listed
        assert f"of {accuracy['pictures']:,} held-out ImageNet pictures" in listed


def test_inspect_counts_weights_and_bytes(small_model: Path) -> None:
    report = json.loads(firebrick("inspect", "--json", small_model))
    layers = read_fire(small_model).layers
    assert report["bytes"] == small_model.stat().st_size
    assert report["weights"] == sum(layer.codes.size for layer in layers.values())
    assert report["nonzero"] == sum(layer.nonzero for layer in layers.values())
    assert [layer["name"] for layer in report["layers"]] == list(layers)
    assert "fire2" in firebrick("inspect", small_model)


def test_classify_gives_the_golden_models_scores(small_model: Path, images: list[Path]) -> None:
    entries = json.loads(firebrick("classify", "--scores", "--json", "--model", small_model, *images))
    model = read_fire(small_model)
    frames = read_images(images, model.preprocessing, model.network.input)
    assert [entry["scores"] for entry in entries] == golden.run(model, frames).tolist()
    for entry in entries:
        assert entry["cycles"] is None
        check_top5(entry, model.labels, model.score_scale)


def check_top5(entry: dict[str, Any], labels: tuple[str, ...], scale: float) -> None:
    scores = np.array(entry["scores"])
    probabilities = np.exp((scores - scores.max()) * scale) / np.exp((scores - scores.max()) * scale).sum()
    assert [scores[score["index"]] for score in entry["top5"]] == sorted(scores, reverse=True)[:5]
    for score in entry["top5"]:
        assert score["label"] == labels[score["index"]]
        assert score["probability"] == pytest.approx(probabilities[score["index"]])


def test_classify_prints_a_line_for_each_of_the_top_5(small_model: Path, images: list[Path]) -> None:
    lines = firebrick("classify", "--model", small_model, images[0]).splitlines()
    assert lines[0] == str(images[0])
    assert len(lines) == 6


def test_evaluate_counts_hits(small_model: Path, images: list[Path], tmp_path: Path) -> None:
    entries = json.loads(firebrick("classify", "--json", "--model", small_model, *images))
    best = [entry["top5"][0]["index"] for entry in entries]
    fourth = entries[2]["top5"][3]["index"]
    labels = tmp_path / "labels.csv"
    rows = [f"{path.name},{index}" for path, index in zip(images, [best[0], best[1], fourth], strict=True)]
    labels.write_text("\n".join(["file,class_index", *rows]) + "\n")
    arguments = ("evaluate", "--model", small_model, "--labels", labels, images[0].parent)
    accuracy = json.loads(firebrick(*arguments, "--json"))
    error = pytest.approx((2 / 3 * 1 / 3 / 3) ** 0.5)
    assert accuracy == {"images": 3, "top1": pytest.approx(2 / 3), "top5": 1, "top1_error": error, "top5_error": 0, "calibrated": False}
    expected = f"3 images of {labels}: top-1 66.7% (standard error 27.2%), top-5 100.0% (standard error 0.0%)\n"
    assert firebrick(*arguments) == expected


def test_model_can_be_selected_by_name() -> None:
    assert firebrick("inspect", "--json", catalogue.DEFAULT) == firebrick("inspect", "--json", next(shipped()))


def shipped() -> Any:
    return (path for path in (Path(catalogue.__file__).parent / "models").glob(f"{catalogue.DEFAULT}.fire"))
