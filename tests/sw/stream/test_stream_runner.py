# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Streams: each frame gets its own labels, only live sources drop frames, and every way to end is clean."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from firebrick.sim.open_device import open_device
from firebrick.sw import golden
from firebrick.sw.data.images import read_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.golden.top_k import top_k
from firebrick.sw.model.quantized import Model
from firebrick.sw.stream.frame_reader import READ_AHEAD, FrameReader
from firebrick.sw.stream.image_sources import TestPattern
from firebrick.sw.stream.inference import Prediction, run_inference
from firebrick.sw.stream.open_source import open_source
from firebrick.sw.stream.rate_meter import RateMeter
from firebrick.sw.stream.source import Frame, FrameSource
from tests.helpers.live_view import FakeDevice, ListSource, noise


@pytest.fixture(scope="module")
def model(small_model: Path) -> Model:
    return read_fire(small_model)


@pytest.fixture(autouse=True)
def no_reader_thread_remains() -> Iterator[None]:
    yield
    end = time.monotonic() + 5
    while any(thread.name == "source" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_labels_are_those_of_evaluation_and_of_the_right_frame(model: Model, images: list[Path], ahead: int) -> None:
    expected = golden.run(model, read_images(images, model.preprocessing, model.network.input))
    reader = FrameReader(open_source(str(images[0].parent), model.preprocessing.resize), model)
    predictions = list(run_inference(FakeDevice(model, ahead=ahead), reader))
    assert [prediction.frame.name for prediction in predictions] == [path.name for path in images]
    assert [prediction.top5 for prediction in predictions] == [top_k(model, scores) for scores in expected]
    assert [prediction.number for prediction in predictions] == [0, 1, 2]


@pytest.mark.parametrize("ahead", [1, 4])
def test_file_loses_no_frame_on_a_slow_device_and_is_read_ahead_by_few_frames(model: Model, ahead: int) -> None:
    given = 0

    class Counting(TestPattern):
        def frames(self) -> Iterator[Frame]:
            nonlocal given
            for frame in super().frames():
                given += 1
                yield frame

    reader = FrameReader(Counting(), model, limit=12)
    device = FakeDevice(model, ahead=ahead, delay=0.02)
    for prediction in run_inference(device, reader):
        assert given <= prediction.number + ahead + READ_AHEAD + 2
    assert (device.frames, reader.dropped) == (12, 0)


def test_live_source_drops_old_frames_to_keep_latency_low(model: Model) -> None:
    reader = FrameReader(ListSource(noise(60), live=True, pause=0.01), model)
    predictions = list(run_inference(FakeDevice(model, delay=0.05), reader))
    indices = [round(10 * prediction.frame.timestamp) for prediction in predictions]
    assert indices == sorted(set(indices))
    assert len(predictions) + reader.dropped == 60
    assert reader.dropped > 20
    assert indices[-1] == 59


def test_invalid_results_have_no_labels_and_the_next_ones_are_right(model: Model) -> None:
    frames = noise(6)
    clean = [prediction.top5 for prediction in run_inference(FakeDevice(model), FrameReader(ListSource(frames), model))]
    predictions = [
        prediction.top5 for prediction in run_inference(FakeDevice(model, ahead=3, invalid=(1, 4)), FrameReader(ListSource(frames), model))
    ]
    assert predictions == [None if number in (1, 4) else top5 for number, top5 in enumerate(clean)]
    assert None not in clean


def test_unplugged_device_ends_the_stream_with_one_sentence(model: Model) -> None:
    predictions: list[Prediction] = []
    with pytest.raises(FirebrickError, match="the device does not answer; see whether"):
        predictions.extend(collect(FakeDevice(model, ahead=3, lost_at=4), FrameReader(TestPattern(), model), predictions))
    assert [prediction.number for prediction in predictions] == [0, 1, 2, 3]


def collect(device: FakeDevice, reader: FrameReader, predictions: list[Prediction]) -> list[Prediction]:
    for prediction in run_inference(device, reader):
        predictions.append(prediction)
    return []


def test_device_that_stops_answering_or_answers_another_frame_is_noticed(model: Model) -> None:
    with pytest.raises(FirebrickError, match="the device left 3 frames unanswered"):
        list(run_inference(FakeDevice(model, ahead=3, ends_at=2), FrameReader(TestPattern(), model)))

    class Skipping(FakeDevice):
        def stream(self, frames):  # type: ignore[no-untyped-def]
            results = super().stream(frames)
            yield next(results)
            next(results)
            yield from results

    with pytest.raises(FirebrickError, match="the device answers frame 2 where 1 is due"):
        list(run_inference(Skipping(model), FrameReader(TestPattern(), model)))


class Stalling(FrameSource):
    """Gives two frames, then nothing until it is released."""

    name = "stalling"

    def __init__(self) -> None:
        self.released = threading.Event()

    def frames(self) -> Iterator[Frame]:
        for number, picture in enumerate(noise(2)):
            yield Frame(picture, number)
        self.released.wait(20)


@pytest.mark.parametrize("ahead", [1, 5])
def test_source_that_stalls_is_given_up_after_frames_in_flight_are_answered(model: Model, ahead: int) -> None:
    source, predictions = Stalling(), list[Prediction]()
    start = time.monotonic()
    with pytest.raises(FirebrickError, match=r"stalling gave no frame for 0.3 s; check whether it still runs"):
        collect(FakeDevice(model, ahead=ahead), FrameReader(source, model, timeout=0.3), predictions)
    assert 0.3 <= time.monotonic() - start < 5
    assert len(predictions) == 2
    source.released.set()


def test_source_that_fails_raises_after_frames_in_flight_are_answered(model: Model) -> None:
    def fail() -> None:
        raise FirebrickError("the camera is gone")

    predictions: list[Prediction] = []
    with pytest.raises(FirebrickError, match="the camera is gone"):
        collect(FakeDevice(model, ahead=3), FrameReader(ListSource(noise(5), then=fail), model), predictions)
    assert len(predictions) == 5


def test_source_without_a_readable_frame_is_an_error(model: Model, tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match="list holds no image"):
        list(run_inference(FakeDevice(model), FrameReader(ListSource([]), model, loop=True)))
    with pytest.raises(FirebrickError, match="list: an image of 200x1 pixels is too narrow"):
        list(run_inference(FakeDevice(model), FrameReader(ListSource([Image.new("RGB", (200, 1))]), model, loop=True)))
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(FirebrickError, match=r"a.png cannot be read as an image"):
        list(run_inference(FakeDevice(model), FrameReader(open_source(str(tmp_path / "a.png"), 1), model)))


@pytest.mark.parametrize("live", [False, True])
def test_stop_ends_a_waiting_stream_at_once_and_answers_frames_in_flight(model: Model, live: bool) -> None:
    source = ListSource(noise(1000), live=live, pause=0.01)
    reader = FrameReader(source, model, timeout=None)
    device = FakeDevice(model, ahead=3)
    predictions = []
    for prediction in run_inference(device, reader):
        predictions.append(prediction)
        if prediction.number == 4:
            reader.stop()
    assert len(predictions) == device.taken < 12

    stalling = Stalling()
    reader = FrameReader(stalling, model, timeout=None)
    threading.Timer(0.3, reader.stop).start()
    start = time.monotonic()
    assert len(list(run_inference(FakeDevice(model), reader))) == 2
    assert time.monotonic() - start < 3
    stalling.released.set()


def test_loop_starts_again_with_increasing_timestamps(model: Model) -> None:
    images = noise(3)
    predictions = list(run_inference(FakeDevice(model), FrameReader(ListSource(images), model, loop=True, limit=8)))
    assert [prediction.frame.timestamp for prediction in predictions] == pytest.approx([number / 10 for number in range(8)])
    assert [prediction.frame.image for prediction in predictions] == (images * 3)[:8]


def test_rate_and_real_time_hold_frames_back(model: Model) -> None:
    start = time.monotonic()
    assert len(list(run_inference(FakeDevice(model), FrameReader(ListSource(noise(4)), model, rate=10)))) == 4
    assert 0.3 <= time.monotonic() - start < 2
    start = time.monotonic()
    assert len(list(run_inference(FakeDevice(model), FrameReader(ListSource(noise(4)), model, real_time=True)))) == 4
    assert 0.3 <= time.monotonic() - start < 2


def test_rate_of_a_live_source_takes_the_newest_frame_each_time(model: Model) -> None:
    reader = FrameReader(ListSource(noise(50), live=True, pause=0.01), model, rate=10, limit=4)
    predictions = list(run_inference(FakeDevice(model), reader))
    steps = [after.frame.timestamp - before.frame.timestamp for before, after in pairwise(predictions)]
    assert all(step >= 0.4 for step in steps[1:])


def test_golden_device_is_a_device_like_any_other(model: Model) -> None:
    frames = noise(3)
    with open_device("golden", model) as device:
        predictions = [prediction.top5 for prediction in run_inference(device, FrameReader(ListSource(frames), model))]
        assert device.counters()["frames"] == 3
    assert predictions == [prediction.top5 for prediction in run_inference(FakeDevice(model), FrameReader(ListSource(frames), model))]


def test_meter_gives_rate_and_median_of_the_last_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    meter = RateMeter()
    assert (meter.rate, meter.latency) == (0, 0)
    for number in range(100):
        now += 0.5 if number < 60 else 0.1
        meter.count(1.0 if number % 3 else 50.0, number != 7)
    assert meter.rate == pytest.approx(10)
    assert (meter.latency, meter.frames, meter.invalid) == (1.0, 100, 1)
    assert meter.seconds == pytest.approx(34)
