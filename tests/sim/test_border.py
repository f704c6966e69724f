# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An ONNX file whose first convolution is padded, from import to Verilator: images get their border wherever they come from."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

from firebrick.sim.accelerator_sim import Simulator
from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.data.images import read_images
from firebrick.sw.driver.golden_device import GoldenDevice
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape
from tests.helpers.boards import LANES
from tests.helpers.onnx_files import FileStyle, file_with, run_onnxruntime

pytestmark = pytest.mark.usefixtures("compiled_board")

NETWORK = Network("padded", Shape(3, 12, 14), (Conv("conv1", 4, 3, 2, padding=1), Conv("conv2", 5, 1), GlobalAverage("pool2")))
FILE = file_with(np.random.default_rng(2), FileStyle(), NETWORK)
MEAN = np.array([123.0, 117.0, 104.0])


def firebrick(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Images that are neither scaled nor cropped in width, and one of the size of a frame, which is."""
    folder = tmp_path_factory.mktemp("padded") / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(4)
    for index, (height, width) in enumerate([(14, 14)] * 5 + [(14, 16)]):
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def file(pictures: list[Path]) -> Path:
    folder = pictures[0].parents[1]
    (folder / "padded.onnx").write_bytes(FILE.SerializeToString())
    options = ["--pictures", "caffe-rgb", "--calibrate", pictures[0].parent, "--bits", 8]
    firebrick("import", folder / "padded.onnx", "-o", folder / "padded.fire", *options)
    return folder / "padded.fire"


@pytest.fixture(scope="module")
def model(file: Path) -> Model:
    return read_fire(file)


def test_imported_model_scores_as_onnxruntime_does(model: Model, pictures: list[Path]) -> None:
    assert (model.network.input, model.preprocessing.border) == (Shape(3, 14, 16), (1, 1, 1, 1))
    frames = read_images(pictures, model.preprocessing, model.network.input)
    images = np.stack([np.asarray(Image.open(path)) for path in pictures[:5]])[:, 1:13] - MEAN
    expected = run_onnxruntime(FILE, images.transpose(0, 3, 1, 2).astype(np.float32))
    scores = golden.run(model, frames[:5]) * model.score_scale
    assert np.abs(scores - expected).max() < 0.02 * np.abs(expected).max()


@pytest.mark.slow
def test_simulated_network_with_a_border_equals_the_golden_model(model: Model, pictures: list[Path]) -> None:
    frames = read_images(pictures, model.preprocessing, model.network.input)
    expected = golden.run(model, frames)
    assert len(set(map(tuple, expected.tolist()))) == len(frames)
    with Simulator(model, lanes=LANES) as simulator:
        np.testing.assert_array_equal([result.scores for result in simulator.run(frames)], expected)


def test_every_command_puts_the_border_around_images(file: Path, model: Model, pictures: list[Path]) -> None:
    expected = golden.run(model, read_images(pictures, model.preprocessing, model.network.input)).tolist()
    assert [entry["scores"] for entry in json.loads(firebrick("classify", "--json", "--scores", "--model", file, *pictures))] == expected
    best = [int(np.argmax(scores)) for scores in expected]
    shown = [json.loads(line) for line in firebrick("stream", "--json", "--model", file, pictures[0].parent).splitlines()]
    assert [line["top5"][0]["index"] for line in shown if "top5" in line] == best
    assert "images: 12x14 pixels with a border of colour (123, 117, 104), 1, 1, 1, 1 pixels wide" in firebrick("inspect", file)
    assert json.loads(firebrick("inspect", "--json", file))["preprocessing"]["border"] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("shape", "message"),
    [((3, 12, 14), "a frame must be bytes of shape"), ((3, 14, 16), "the outermost pixels of a frame must be its border")],
)
def test_devices_refuse_images_without_their_border(model: Model, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        next(GoldenDevice(model).stream([np.zeros(shape, np.uint8)]))
