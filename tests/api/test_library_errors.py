# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What callers of the library get wrong ends in a FirebrickError of one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import firebrick
from firebrick import FirebrickError

DIGITS = firebrick.load("digits")
FRAME = np.zeros((1, 8, 8), np.uint8)
CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "model that is not there": (lambda: firebrick.load("gone.fire"), "gone.fire is neither a file nor a name"),
    "misspelt model": (lambda: firebrick.load("squeezenet1_2"), "did you mean squeezenet1_"),
    "model that is no path": (lambda: firebrick.load(3), "must be a str or path-like, not int"),  # type: ignore[arg-type]
    "path with a null": (lambda: firebrick.load("a\0b"), "null characters"),
    "empty path": (lambda: firebrick.load(""), "must not be empty"),
    "class out of range": (lambda: DIGITS.keep_classes([10]), "indices from 0 to 9"),
    "class that is no number": (lambda: DIGITS.keep_classes([1.5]), "whole numbers"),  # type: ignore[list-item]
    "network that is not there": (lambda: firebrick.import_network("gone.onnx"), "gone.onnx"),
    "network of another kind": (lambda: firebrick.import_network("a.h5"), "not 'a.h5'"),
    "unknown normalisation": (lambda: firebrick.import_network("a.onnx", pictures="keras"), "pictures must be one of torch, caffe"),
    "image that is not there": (lambda: DIGITS.scores("gone.png"), "gone.png does not exist"),
    "image that is a number": (lambda: DIGITS.scores(7), "not int"),
    "image that is too narrow": (lambda: DIGITS.scores(Image.new("RGB", (1, 200))), "too narrow"),
    "stream of nothing": (lambda: list(firebrick.open_device("golden", DIGITS).stream(5)), "not int"),  # type: ignore[arg-type]
    "image that is a list": (lambda: DIGITS.scores([[1, 2]]), "not list"),
    "frame of another shape": (lambda: DIGITS.scores(FRAME[:, :7]), r"bytes of shape \(1, 8, 8\), not uint8 \(1, 7, 8\)"),
    "batch of another shape": (lambda: DIGITS.scores(np.zeros((2, 3, 8, 8), np.uint8)), r"not uint8 \(3, 8, 8\)"),
    "frame of floats": (lambda: DIGITS.scores(FRAME / 255), "bytes of shape .*, not float64"),
    "frame of NaN": (lambda: DIGITS.scores(np.full((1, 8, 8), np.nan)), "not float64"),
    "frame of wide integers": (lambda: DIGITS.scores(FRAME.astype(np.int64)), "not int64"),
    "frame of objects": (lambda: DIGITS.scores(np.full((1, 8, 8), None)), "not object"),
    "no classes": (lambda: DIGITS.classify(FRAME, top=0), "top must be a whole number from 1, not 0"),
    "too few lanes": (lambda: DIGITS.plan(lanes=1), "lanes must be at least"),
    "lanes that are no number": (lambda: DIGITS.plan(lanes="many"), "lanes must be a whole number"),  # type: ignore[arg-type]
    "lanes and a board": (lambda: DIGITS.plan(lanes=20, board="ulx3s_12f"), "give one"),
    "link without a board": (lambda: DIGITS.plan(link="usb"), "give board, too"),
    "misspelt board": (lambda: DIGITS.plan(board="ulx3s_21f"), "did you mean ulx3s"),
    "link that the board lacks": (lambda: DIGITS.plan(board="ulx3s_12f", link="pcie"), "no link pcie"),
    "clock of NaN": (lambda: DIGITS.plan(lanes=20, clock_mhz=float("nan")), "clock_mhz must be a positive number"),
    "rate out of reach": (lambda: DIGITS.plan(board="ulx3s_12f", fps=1e9), "no plan reaches"),
    "unknown interface": (lambda: DIGITS.plan(lanes=20).write_verilog("out", interface="pcie"), "one of native, axi, wishbone"),
    "odd width of a bus": (lambda: DIGITS.plan(lanes=20).write_verilog("out", interface="axi", bus_width=24), "not 24"),
    "width without a bus": (lambda: DIGITS.plan(lanes=20).write_verilog("out", bus_width=64), "belong to a bus"),
    "bitstream without a board": (lambda: DIGITS.plan(lanes=20).build("out"), "no board to build for"),
    "folder without a bitstream": (lambda: firebrick.Bitstream("gone"), "report.json cannot be read"),
    "device of another kind": (lambda: firebrick.open_device("gpu", DIGITS), "no such kind of device"),
    "device that is no text": (lambda: firebrick.open_device(0, DIGITS), "must be a str"),  # type: ignore[arg-type]
    "port that is not there": (lambda: firebrick.open_device("serial:/dev/gone", DIGITS), "/dev/gone"),
}


@pytest.mark.parametrize("name", CALLS)
def test_library_rejects(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call, message = CALLS[name]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FirebrickError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_closed_device_says_so() -> None:
    device = firebrick.open_device("golden", DIGITS)
    device.close()
    device.close()
    sources: list[Any] = [[FRAME], "pattern"]
    streams = [lambda source=source: list(device.stream(source)) for source in sources]
    calls: list[Callable[[], object]] = [device.counters, lambda: device.scores(FRAME), *streams]
    for call in calls:
        with pytest.raises(FirebrickError, match="the device is closed; open it again"):
            call()


def test_device_refuses_a_frame_of_another_shape_and_goes_on() -> None:
    with firebrick.open_device("golden", DIGITS) as device:
        results = device.stream([FRAME, FRAME[:, :7], FRAME])
        assert next(results).frame == 0
        with pytest.raises(FirebrickError, match="a frame must be bytes of shape"):
            next(results)
        assert device.scores(FRAME).shape == (1, 10)


def test_damaged_report_is_refused(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"board": 1}', "[" * 100_000):
        (tmp_path / "report.json").write_text(text)
        with pytest.raises(FirebrickError, match="is no report of a bitstream"):
            firebrick.Bitstream(tmp_path)


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FirebrickError, match="cannot write"):
        DIGITS.save(tmp_path / "file" / "my.fire")
