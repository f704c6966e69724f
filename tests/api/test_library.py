# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`import firebrick`: quick, complete, and each step gives what the packages below and the command line give."""

import doctest
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import ExifTags, Image

import firebrick
from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.fire_format.file import encode_model
from firebrick.sw.model.frames import image_part, with_border
from firebrick.sw.zoo import catalogue

WITH_EXAMPLES = (
    firebrick.load,
    firebrick.model_names,
    firebrick.board_names,
    firebrick.open_device,
    firebrick.Prediction,
    firebrick.Model.scores,
    firebrick.Model.plan,
)
"""Those whose examples need no files and no board."""
HEAVY = ("torch", "onnx", "amaranth", "numpy", "PIL", "click")


@pytest.fixture(scope="module")
def digits() -> firebrick.Model:
    return firebrick.load("digits")


@pytest.fixture(scope="module")
def frames() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (4, 1, 8, 8), np.uint8)


def test_import_is_quick_and_loads_nothing_heavy() -> None:
    code = f"""
import sys, time
start = time.perf_counter()
import firebrick
seconds = time.perf_counter() - start
print(seconds, [name for name in {HEAVY} if name in sys.modules])
"""
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split(" ", 1) for _ in range(3)]
    assert {loaded.strip() for _, loaded in runs} == {"[]"}
    assert min(float(seconds) for seconds, _ in runs) < 0.1


def test_every_name_is_there_and_documented() -> None:
    assert set(firebrick.__all__) <= set(dir(firebrick))
    for name in set(firebrick.__all__) - {"__version__"}:
        value = getattr(firebrick, name)
        assert value.__doc__, name
        if value.__module__.startswith("firebrick") and isinstance(value, type) and ".sw." not in value.__module__:
            undocumented = [key for key, member in vars(value).items() if not key.startswith("_") and not member.__doc__]
            assert not undocumented, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        firebrick.nothing  # noqa: B018


@pytest.mark.parametrize("documented", WITH_EXAMPLES)
def test_examples_of_docstrings_are_true(documented: Any) -> None:
    [test] = doctest.DocTestFinder(recurse=False).find(documented, documented.__name__, globs={"firebrick": firebrick, "numpy": np})
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_scores_are_the_golden_models(digits: firebrick.Model, frames: NDArray[np.uint8]) -> None:
    expected = golden.run(catalogue.load("digits"), frames)
    assert np.array_equal(digits.scores(frames), expected)
    assert np.array_equal(digits.scores(frames[0]), expected[:1])
    assert np.array_equal(digits.scores(iter(frames)), expected)
    assert digits.scores(frames[:0]).shape == (0, 10)
    assert [prediction.index for prediction in digits.classify(frames)] == expected.argmax(axis=1).tolist()


@pytest.mark.parametrize("kind", ["path", "text", "folder", "pillow", "list"])
def test_images_are_prepared_as_by_the_command_line(digits: firebrick.Model, tmp_path: Path, kind: str) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (20, 31, 3), np.uint8)
    path = tmp_path / "noise.png"
    Image.fromarray(pixels).save(path)
    given: Any = {"path": path, "text": str(path), "folder": tmp_path, "pillow": Image.fromarray(pixels), "list": [path]}[kind]
    [prediction] = digits.classify(given, top=3)
    printed = CliRunner().invoke(main, ["classify", "--json", "--scores", "--model", "digits", str(path)])
    [entry] = json.loads(printed.stdout)
    assert prediction.scores is not None
    assert prediction.scores.tolist() == entry["scores"]
    assert list(prediction.top) == entry["top5"][:3]
    assert prediction.image == (None if kind == "pillow" else str(path))


@pytest.mark.parametrize("kind", ["turned", "deep", "transparent", "palette"])
def test_pillow_images_are_prepared_as_their_files(digits: firebrick.Model, tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(6)
    path, exif = tmp_path / "image.png", Image.Exif()
    if kind == "deep":
        image = Image.fromarray(rng.integers(0, 1 << 16, (12, 17), np.uint16))
    else:
        image = Image.fromarray(rng.integers(0, 256, (12, 17, 4), np.uint8)).convert(
            {"transparent": "RGBA", "palette": "P"}.get(kind, "RGB")
        )
    if kind == "turned":
        exif[ExifTags.Base.Orientation] = 6
    image.save(path, exif=exif)
    with Image.open(path) as opened:
        assert np.array_equal(digits.frames(opened), digits.frames(path))
    if kind == "turned":
        assert not np.array_equal(digits.frames(image), digits.frames(path))


def test_saved_model_is_read_back(digits: firebrick.Model, tmp_path: Path) -> None:
    assert digits.save(str(tmp_path / "new" / "my.fire")) == tmp_path / "new" / "my.fire"
    again = firebrick.load(tmp_path / "new" / "my.fire")
    assert encode_model(again.quantized) == encode_model(digits.quantized)


def test_some_classes_keep_their_scores(digits: firebrick.Model, frames: NDArray[np.uint8], tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("7\n1\n")
    for some in (digits.keep_classes([7, 1]), firebrick.load("digits", classes=tmp_path / "some.txt")):
        assert some.labels == ("7", "1")
        assert np.array_equal(some.scores(frames), digits.scores(frames)[:, [7, 1]])


@pytest.mark.parametrize("interface", ["native", "axi"])
def test_plan_of_lanes_is_the_command_lines(
    digits: firebrick.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interface: str
) -> None:
    monkeypatch.setattr("firebrick.hw.core.folder.verilog_with_roms", lambda _top, name, _roms: f"module {name}; endmodule")
    plan = digits.plan(lanes=40, clock_mhz=50)
    assert plan.write_verilog(tmp_path / "library", interface=interface) == tmp_path / "library"
    arguments = ["verilog", "--json", "--model", "digits", "--lanes", "40", "--frequency", "50", "-o", str(tmp_path / "command")]
    report = json.loads(CliRunner().invoke(main, [*arguments, "--interface", interface]).stdout)
    assert plan.report().items() <= report.items()
    library, command = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "library", tmp_path / "command")
    )
    assert library == command
    assert len(library) > 5
    assert plan.fps == 50e6 / plan.cycles
    assert sum(engine.lanes for engine in plan.engines) == plan.lanes <= 40
    assert plan.resources.multipliers == plan.lanes
    assert (plan.board, plan.available, plan.host) == (None, None, {})


def test_plan_of_a_board_fits_it(digits: firebrick.Model) -> None:
    plan = digits.plan(board="ulx3s_12f")
    assert plan.board == "ulx3s_12f"
    assert plan.available is not None
    assert plan.clock_mhz == pytest.approx(75)
    assert plan.resources.luts <= plan.available.luts == 24288
    assert list(plan.host) == ["uart", "usb"]
    assert plan.fps is not None
    assert all(seen.fps <= plan.fps and seen.latency_ms > 0 for seen in plan.host.values())
    slow = digits.plan(board="ulx3s_12f", fps=10_000, link="usb")
    assert slow.resources.luts < plan.resources.luts
    assert slow.fps is not None
    assert slow.fps >= 10_000


@pytest.mark.parametrize("source", ["batch", "generator", "folder"])
def test_device_streams_what_it_is_given(digits: firebrick.Model, frames: NDArray[np.uint8], tmp_path: Path, source: str) -> None:
    for index, frame in enumerate(frames):
        Image.fromarray(frame[0]).save(tmp_path / f"{index}.png")
    given: Any = {"batch": frames, "generator": (frame for frame in frames), "folder": tmp_path}[source]
    with firebrick.open_device("golden", digits) as device:
        predictions = list(device.stream(given, top=2, limit=3))
        assert device.counters() == {"frames": 3}
    assert [prediction.frame for prediction in predictions] == [0, 1, 2]
    expected = digits.classify(tmp_path if source == "folder" else frames)[:3]
    assert [str(prediction.scores) for prediction in predictions] == [str(prediction.scores) for prediction in expected]
    assert [prediction.label for prediction in predictions] == [prediction.label for prediction in expected]


def test_results_of_an_endless_source_come_one_by_one(frames: NDArray[np.uint8]) -> None:
    def endless() -> Any:
        while True:
            yield frames[0]

    with firebrick.open_device("golden", "digits") as device:
        start = time.monotonic()
        for prediction in device.stream(endless()):
            if prediction.frame == 5:
                break
    assert time.monotonic() - start < 10


def test_damaged_frame_has_no_label(digits: firebrick.Model) -> None:
    from firebrick.prediction import predict

    damaged = predict(digits.quantized, 3, None, None, 5, 0.1)
    assert damaged.top == ()
    with pytest.raises(firebrick.FirebrickError, match="frame 3 was damaged on the link"):
        damaged.label  # noqa: B018


def test_long_work_calls_back(digits: firebrick.Model, frames: NDArray[np.uint8]) -> None:
    steps: list[str] = []

    def progress(step: str, _done: int = 0, _total: int = 0, /) -> None:
        steps.append(step)

    digits.scores(frames, progress=progress)
    digits.plan(lanes=20, progress=progress)
    assert steps == [*(f"golden model, image {number}" for number in range(1, 5)), "planning"]


def test_arrays_may_be_without_the_border_of_a_model_that_has_one(frames: NDArray[np.uint8]) -> None:
    plain = catalogue.load("digits")
    preprocessing = replace(plain.preprocessing, mean=(100.0, 100.0, 100.0), border=(1, 0, 2, 1))
    bordered = firebrick.Model(replace(plain, preprocessing=preprocessing))
    images = image_part(frames, preprocessing)
    whole = with_border(images, preprocessing)
    expected = golden.run(bordered.quantized, whole)
    assert np.array_equal(bordered.scores(images), expected)
    assert np.array_equal(bordered.scores(whole), expected)
    with pytest.raises(firebrick.FirebrickError, match="the outermost pixels of a frame must be its border"):
        bordered.scores(frames)
