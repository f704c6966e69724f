# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick stream` as its users see it: what it prints and writes, and how it ends."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.sim import open_device
from firebrick.sw.cli.main import main
from firebrick.sw.reports.annotated_image import PANEL_WIDTH, annotate
from firebrick.sw.stream import test_pattern as pattern
from firebrick.sw.stream.video_sink import FRAME_SIZE
from tests.helpers.live_view import FakeDevice, noise, write_video

PROGRAM = str(Path(sys.executable).with_name("firebrick"))


def stream(*arguments: object) -> tuple[int, str, str]:
    """Status, stdout and stderr."""
    result = CliRunner().invoke(main, ["stream", *(str(argument) for argument in arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def frames_of(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_json_lines_equal_classify_for_each_image_and_end_with_a_summary(small_model: Path, images: list[Path]) -> None:
    status, out, err = stream("--json", "--model", small_model, images[0].parent)
    *entries, last = lines(out)
    single = CliRunner().invoke(main, ["classify", "--json", "--model", str(small_model), *map(str, images)])
    expected = json.loads(single.stdout)
    assert [entry["top5"] for entry in entries] == [entry["top5"] for entry in expected]
    assert [(entry["frame"], entry["name"], entry["at"]) for entry in entries] == [(0, "a.png", 0), (1, "b.jpg", 1), (2, "c.png", 2)]
    assert all(entry["latency"] > 0 for entry in entries)
    summary = last["summary"]
    assert (summary["frames"], summary["invalid"], summary["dropped"], summary["damaged"]) == (3, 0, 0, 0)
    assert summary["counters"] == {"frames": 3}
    assert status == 0
    assert err.startswith("3 frames in ")


def test_text_has_a_line_for_each_frame(small_model: Path, images: list[Path]) -> None:
    status, out, _ = stream("--model", small_model, images[0].parent)
    assert [line.split()[:2] for line in out.splitlines()] == [["0", "a.png"], ["1", "b.jpg"], ["2", "c.png"]]
    assert status == 0


def test_damaged_image_is_skipped_counted_and_named(small_model: Path, tmp_path: Path) -> None:
    for number, image in enumerate(noise(3)):
        image.save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"nothing")
    status, out, err = stream("--json", "--model", small_model, tmp_path)
    assert [entry.get("name") for entry in lines(out)] == ["0.png", "2.png", None]
    assert lines(out)[-1]["summary"]["damaged"] == 1
    assert "; 1 could not be read (the last: " in err
    assert "1.png cannot be read as an image" in err
    assert status == 0


def test_video_shows_each_frame_and_its_labels_at_its_timestamp(small_model: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "in.avi", noise(6), rate=5)
    status, out, _ = stream("--json", "--model", small_model, "--video", tmp_path / "new" / "out.mp4", tmp_path / "in.avi")
    frames = frames_of(tmp_path / "new" / "out.mp4")
    assert status == 0
    assert [timestamp for timestamp, _ in frames] == pytest.approx([number / 5 for number in range(6)], abs=0.01)
    assert {image.shape for _, image in frames} == {(FRAME_SIZE[1], FRAME_SIZE[0], 3)}
    entry = lines(out)[3]
    shown = np.asarray(annotate(noise(6)[3], FRAME_SIZE, "frame 3", entry["top5"], ""), int)[:480]  # without the footer
    errors = [np.abs(image[:480].astype(int) - shown) for _, image in frames]
    assert np.argmin([error.mean() for error in errors]) == 3
    assert errors[3][:, -PANEL_WIDTH:].mean() < 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.mp4"]


def test_full_disk_leaves_the_older_video_and_ends_with_one_sentence(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"older")
    command = [PROGRAM, "stream", "--model", str(small_model), "--video", str(tmp_path / "out.mp4"), "--limit", "200", "pattern"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(f"Error: cannot write {tmp_path / 'out.mp4'}: File too large")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.mp4": b"older"}


def test_full_disk_behind_stdout_ends_with_one_sentence(small_model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [PROGRAM, "stream", "--json", "--model", str(small_model), "--limit", "3", "pattern"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "Error: the system refuses output: No space left on device\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_ends_with_complete_outputs_a_summary_and_its_status(small_model: Path, tmp_path: Path, number: int, status: int) -> None:
    video = tmp_path / "out.mp4"
    command = [PROGRAM, "stream", "--json", "--model", str(small_model), "--video", str(video), "--rate", "20", "pattern"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(5)]
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    *entries, last = lines("".join(first) + out)
    assert process.returncode == status
    assert [entry["frame"] for entry in entries] == list(range(len(entries)))
    assert last["summary"]["frames"] == len(entries)
    assert err.startswith(f"{len(entries)} frames in ")
    assert len(frames_of(video)) == len(entries)
    assert os.listdir(tmp_path) == ["out.mp4"]  # noqa: PTH208


def test_second_interrupt_ends_at_once(small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(FakeDevice):
        def stream(self, frames):  # type: ignore[no-untyped-def]
            for result in super().stream(frames):
                if result.frame >= 2:
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.1)
                yield result

    monkeypatch.setattr(open_device, "open_device", lambda _address, model, **_: Interrupting(model, ahead=4))
    before = signal.getsignal(signal.SIGINT)
    status, out, err = stream("--json", "--model", small_model, "--video", tmp_path / "out.mp4", "pattern")
    assert (status, [entry["frame"] for entry in lines(out)], err) == (130, [0, 1, 2], "")
    assert len(frames_of(tmp_path / "out.mp4")) == 3
    assert signal.getsignal(signal.SIGINT) == before


def test_unplugged_device_keeps_all_predictions_and_ends_with_one_sentence(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices: list[FakeDevice] = []

    def open_fake(_address: str, model: Any, **_: object) -> FakeDevice:
        devices.append(FakeDevice(model, ahead=3, lost_at=4, invalid=(1,)))
        return devices[-1]

    monkeypatch.setattr(open_device, "open_device", open_fake)
    status, out, err = stream("--json", "--model", small_model, "--video", tmp_path / "out.mp4", "pattern")
    assert status == 1
    assert err == "Error: the device does not answer; see whether it is still connected\n"
    assert [entry["top5"] is None for entry in lines(out)] == [False, True, False, False]
    assert len(frames_of(tmp_path / "out.mp4")) == 4
    assert [device.closed for device in devices] == [1]


def test_stalling_pipe_is_given_up(small_model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    command = [PROGRAM, "stream", "--model", str(small_model), "--timeout", "0.5", str(tmp_path / "a.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "a.mp4 gave no frame for 0.5 s; check whether it still runs, or allow more time with --timeout" in done.stderr
    assert "Traceback" not in done.stderr


def test_closed_stdout_ends_the_stream_without_a_message(small_model: Path) -> None:
    command = [PROGRAM, "stream", "--json", "--model", str(small_model), "pattern"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gone.mp4"], "source gone.mp4 does not exist; name a video"),
        (["--device", "toaster", "pattern"], "there is no such kind of device"),
        (["--video", "out.avi", "pattern"], "the video out.avi must end in .mp4"),
        (["--video", "/dev/null/out.mp4", "--limit", "1", "pattern"], "cannot write /dev/null/out.mp4: "),
    ],
)
def test_wrong_arguments_end_with_one_sentence(small_model: Path, arguments: list[str], sentence: str) -> None:
    status, _, err = stream("--model", small_model, *arguments)
    [line] = err.splitlines()
    assert status == 1
    assert sentence in line


def test_table_is_drawn_on_a_terminal(small_model: Path) -> None:
    parent, child = os.openpty()
    command = [PROGRAM, "stream", "--model", str(small_model), "--limit", "5", "pattern"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "90"}
    process = subprocess.Popen(command, stdout=child, stderr=child, env=environment)
    os.close(child)
    shown = b""
    try:
        while more := os.read(parent, 4096):
            shown += more
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(parent)
    assert process.wait(60) == 0
    text = shown.decode()
    for part in ("pattern on golden", "class ", "%", "frames/s", "5 frames"):
        assert part in text


def test_annotated_frame_has_the_image_and_bars_of_the_probabilities() -> None:
    top5: Any = [{"index": 0, "label": "cat " * 50, "probability": 1.0}, {"index": 1, "label": "dog", "probability": 0.0}]
    sheet = np.asarray(annotate(pattern.draw(0), (960 + PANEL_WIDTH, 720), "title", top5, "footer"))
    assert sheet.shape == (720, 960 + PANEL_WIDTH, 3)
    assert np.abs(sheet[3, 3].astype(int) - 0xC0).max() < 8
    red = (sheet == (0xC0, 0x39, 0x2B)).all(axis=2)
    assert red[20 + 45 + 28].sum() == PANEL_WIDTH - 40 + 1
    assert red[20 + 45 + 50 + 28].sum() == 1
