# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Streams: every frame's labels are its own, nothing is dropped but what may be, and every way to end is a clean one."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.cli.open_device import open_device
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
def no_thread_is_left() -> Iterator[None]:
    yield
    end = time.monotonic() + 5
    while any(thread.name == "source" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_labels_are_those_of_evaluation_and_of_their_own_frame(model: Model, pictures: list[Path], ahead: int) -> None:
    expected = golden.run(model, read_images(pictures, model.preprocessing, model.network.input))
    feed = FrameReader(open_source(str(pictures[0].parent), 4 * model.preprocessing.resize), model)
    seen = list(run_inference(FakeDevice(model, ahead=ahead), feed))
    assert [each.frame.name for each in seen] == [path.name for path in pictures]
    assert [each.top5 for each in seen] == [top_k(model, scores) for scores in expected]
    assert [each.number for each in seen] == [0, 1, 2]


@pytest.mark.parametrize("ahead", [1, 4])
def test_file_loses_no_frame_on_a_slow_device_and_is_not_read_far_ahead(model: Model, ahead: int) -> None:
    given = 0

    class Counting(TestPattern):
        def frames(self) -> Iterator[Frame]:
            nonlocal given
            for frame in super().frames():
                given += 1
                yield frame

    feed = FrameReader(Counting(), model, limit=12)
    device = FakeDevice(model, ahead=ahead, delay=0.02)
    for sighting in run_inference(device, feed):
        assert given <= sighting.number + ahead + READ_AHEAD + 2
    assert (device.frames, feed.dropped) == (12, 0)


def test_live_source_drops_old_frames_rather_than_lag(model: Model) -> None:
    feed = FrameReader(ListSource(noise(60), live=True, pause=0.01), model)
    seen = list(run_inference(FakeDevice(model, delay=0.05), feed))
    places = [round(10 * each.frame.timestamp) for each in seen]
    assert places == sorted(set(places))
    assert len(seen) + feed.dropped == 60
    assert feed.dropped > 20
    assert places[-1] == 59


def test_invalid_results_have_no_labels_and_the_next_ones_are_right(model: Model) -> None:
    frames = noise(6)
    clean = [each.top5 for each in run_inference(FakeDevice(model), FrameReader(ListSource(frames), model))]
    seen = [each.top5 for each in run_inference(FakeDevice(model, ahead=3, invalid=(1, 4)), FrameReader(ListSource(frames), model))]
    assert seen == [None if number in (1, 4) else guesses for number, guesses in enumerate(clean)]
    assert None not in clean


def test_unplugged_device_ends_the_stream_in_one_sentence(model: Model) -> None:
    seen: list[Prediction] = []
    with pytest.raises(FirebrickError, match="the device does not answer; see whether"):
        seen.extend(iterate(FakeDevice(model, ahead=3, lost_at=4), FrameReader(TestPattern(), model), seen))
    assert [each.number for each in seen] == [0, 1, 2, 3]


def iterate(device: FakeDevice, feed: FrameReader, seen: list[Prediction]) -> list[Prediction]:
    for sighting in run_inference(device, feed):
        seen.append(sighting)
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
def test_source_that_stalls_is_given_up_after_what_was_sent_is_answered(model: Model, ahead: int) -> None:
    source, seen = Stalling(), list[Prediction]()
    start = time.monotonic()
    with pytest.raises(FirebrickError, match=r"stalling gave no frame for 0.3 s; check whether it still runs"):
        iterate(FakeDevice(model, ahead=ahead), FrameReader(source, model, timeout=0.3), seen)
    assert 0.3 <= time.monotonic() - start < 5
    assert len(seen) == 2
    source.released.set()


def test_source_that_fails_in_the_middle_says_so_after_what_was_sent_is_answered(model: Model) -> None:
    def fail() -> None:
        raise FirebrickError("the camera is gone")

    seen: list[Prediction] = []
    with pytest.raises(FirebrickError, match="the camera is gone"):
        iterate(FakeDevice(model, ahead=3), FrameReader(ListSource(noise(5), then=fail), model), seen)
    assert len(seen) == 5


def test_source_without_a_readable_frame_is_an_error(model: Model, tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match="list holds no image"):
        list(run_inference(FakeDevice(model), FrameReader(ListSource([]), model, loop=True)))
    with pytest.raises(FirebrickError, match="list: an image of 200x1 pixels is too narrow"):
        list(run_inference(FakeDevice(model), FrameReader(ListSource([Image.new("RGB", (200, 1))]), model, loop=True)))
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(FirebrickError, match=r"a.png cannot be read as an image"):
        list(run_inference(FakeDevice(model), FrameReader(open_source(str(tmp_path / "a.png"), 1), model)))


@pytest.mark.parametrize("live", [False, True])
def test_stop_ends_a_waiting_stream_at_once_and_answers_what_was_sent(model: Model, live: bool) -> None:
    source = ListSource(noise(1000), live=live, pause=0.01)
    feed = FrameReader(source, model, timeout=None)
    device = FakeDevice(model, ahead=3)
    seen = []
    for sighting in run_inference(device, feed):
        seen.append(sighting)
        if sighting.number == 4:
            feed.stop()
    assert len(seen) == device.taken < 12

    stalling = Stalling()
    feed = FrameReader(stalling, model, timeout=None)
    threading.Timer(0.3, feed.stop).start()
    start = time.monotonic()
    assert len(list(run_inference(FakeDevice(model), feed))) == 2
    assert time.monotonic() - start < 3
    stalling.released.set()


def test_loop_begins_again_with_times_that_go_on(model: Model) -> None:
    pictures = noise(3)
    seen = list(run_inference(FakeDevice(model), FrameReader(ListSource(pictures), model, loop=True, limit=8)))
    assert [each.frame.timestamp for each in seen] == pytest.approx([number / 10 for number in range(8)])
    assert [each.frame.image for each in seen] == (pictures * 3)[:8]


def test_rate_and_real_time_hold_frames_back(model: Model) -> None:
    start = time.monotonic()
    assert len(list(run_inference(FakeDevice(model), FrameReader(ListSource(noise(4)), model, rate=10)))) == 4
    assert 0.3 <= time.monotonic() - start < 2
    start = time.monotonic()
    assert len(list(run_inference(FakeDevice(model), FrameReader(ListSource(noise(4)), model, real_time=True)))) == 4
    assert 0.3 <= time.monotonic() - start < 2


def test_rate_of_a_live_source_takes_the_newest_frame_each_time(model: Model) -> None:
    feed = FrameReader(ListSource(noise(50), live=True, pause=0.01), model, rate=10, limit=4)
    seen = list(run_inference(FakeDevice(model), feed))
    steps = [after.frame.timestamp - before.frame.timestamp for before, after in pairwise(seen)]
    assert all(step >= 0.4 for step in steps[1:])


def test_golden_device_is_a_device_like_any_other(model: Model) -> None:
    frames = noise(3)
    with open_device("golden", model) as device:
        seen = [each.top5 for each in run_inference(device, FrameReader(ListSource(frames), model))]
        assert device.counters()["frames"] == 3
    assert seen == [each.top5 for each in run_inference(FakeDevice(model), FrameReader(ListSource(frames), model))]


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
