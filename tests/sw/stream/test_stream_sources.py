# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Sources: every pixel as it is in the file, times as they are, and what is damaged or hostile ends in one sentence or is passed over."""

import struct
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from firebrick.sw.errors import FirebrickError
from firebrick.sw.stream import test_pattern as pattern
from firebrick.sw.stream import video_source
from firebrick.sw.stream.image_sources import ImageFiles, TestPattern
from firebrick.sw.stream.open_source import open_source
from firebrick.sw.stream.source import Frame
from firebrick.sw.stream.video_source import Camera, Video
from tests.helpers.live_view import noise, write_video


def pixels(pictures: list[Image.Image]) -> list[bytes]:
    return [picture.tobytes() for picture in pictures]


def test_video_gives_every_pixel_of_every_frame_again_and_again(tmp_path: Path) -> None:
    pictures = noise(7)
    write_video(tmp_path / "a.avi", pictures, rate=5)
    source = open_source(str(tmp_path / "a.avi"), 1)
    for _ in range(2):
        frames = list(source.frames())
        assert pixels([frame.image for frame in frames]) == pixels(pictures)
        assert [frame.timestamp for frame in frames] == pytest.approx([number / 5 for number in range(7)], abs=1e-3)
    assert (source.live, source.damaged) == (False, 0)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_video_is_turned_as_it_says(tmp_path: Path, turn: int) -> None:
    picture = Image.new("RGB", (64, 32))
    picture.paste("white", (0, 0, 16, 16))  # the white corner tells how it was turned
    write_video(tmp_path / "a.mp4", [picture] * 3, codec="libx264", pixels="yuv420p")
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    place = data.index(b"tkhd") + 44
    data[place : place + 20] = struct.pack(">5i", cosine << 16, sine << 16, 0, -sine << 16, cosine << 16)
    (tmp_path / "a.mp4").write_bytes(data)
    found = next(Video(tmp_path / "a.mp4").frames()).image
    expected = picture.rotate(-turn, expand=True)
    assert found.size == expected.size
    assert np.abs(np.asarray(found, int) - np.asarray(expected, int)).mean() < 8


@pytest.mark.parametrize("seed", range(6))
def test_video_damaged_in_the_middle_goes_on_with_its_sound_frames(tmp_path: Path, seed: int) -> None:
    pictures = noise(20)
    write_video(tmp_path / "a.avi", pictures)
    data = bytearray((tmp_path / "a.avi").read_bytes())
    rng = np.random.default_rng(seed)
    places = rng.integers(len(data) // 3, len(data) // 2, 3)
    for place in places:
        data[place] ^= int(rng.integers(1, 256))
    (tmp_path / "a.avi").write_bytes(data)
    source = Video(tmp_path / "a.avi")
    found = pixels([frame.image for frame in source.frames()])
    sound = pixels(pictures)
    assert set(found) <= set(sound)
    assert found == sorted(found, key=sound.index)
    assert 15 <= len(found) < 20
    assert source.damaged >= 1
    assert "a.avi has a damaged frame" in source.problem


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_video_cut_off_gives_what_is_there(tmp_path: Path, share: float) -> None:
    pictures = noise(20)
    write_video(tmp_path / "a.avi", pictures)
    data = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(data[: int(len(data) * share)])
    found = pixels([frame.image for frame in Video(tmp_path / "a.avi").frames()])
    assert found == pixels(pictures)[: len(found)]
    assert 20 * share - 2 <= len(found) < 20


@pytest.mark.parametrize("seed", range(20))
def test_video_of_garbage_never_does_worse_than_one_sentence(tmp_path: Path, seed: int) -> None:
    write_video(tmp_path / "a.mp4", noise(5), codec="mpeg4", pixels="yuv420p")
    rng = np.random.default_rng(seed)
    data = np.frombuffer((tmp_path / "a.mp4").read_bytes(), np.uint8).copy()
    places = rng.integers(0, len(data), int(rng.integers(1, 400)))
    data[places] = rng.integers(0, 256, len(places))
    (tmp_path / "a.mp4").write_bytes(data.tobytes())
    found: list[Frame] = []
    with suppress(FirebrickError):
        found.extend(Video(tmp_path / "a.mp4").frames())
    assert len(found) <= 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {other}\n",
    ],
)
def test_video_rejects_what_is_none_and_playlists_of_other_files(tmp_path: Path, text: str) -> None:
    write_video(tmp_path / "other.avi", noise(2))
    path = tmp_path / "a.m3u8"
    path.write_text(text.format(other=tmp_path / "other.avi"))
    with pytest.raises(FirebrickError, match=r"a.m3u8 cannot be read as a video; give an MP4"):
        list(Video(path).frames())


def test_video_rejects_sound_alone_and_frames_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(FirebrickError, match=r"a.avi holds no video"):
        list(Video(tmp_path / "a.avi").frames())
    monkeypatch.setattr(video_source, "MAX_PIXELS", 40 * 36 - 1)
    write_video(tmp_path / "b.avi", noise(1))
    with pytest.raises(FirebrickError, match=r"b.avi has frames of 40x36 pixels; the maximum is"):
        list(Video(tmp_path / "b.avi").frames())


def test_pictures_come_by_name_and_broken_ones_are_passed_over(tmp_path: Path) -> None:
    pictures = noise(3)
    for name, picture in zip(("c.png", "a.png", "d.png"), pictures, strict=True):
        picture.save(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff")
    source = open_source(str(tmp_path), 1, rate=4)
    frames = list(source.frames())
    assert [(frame.name, frame.timestamp) for frame in frames] == [("a.png", 0), ("c.png", 0.5), ("d.png", 0.75)]
    assert pixels([frame.image for frame in frames]) == pixels([pictures[1], pictures[0], pictures[2]])
    assert source.damaged == 1
    assert "b.jpg cannot be read as an image" in source.problem


def test_names_of_pictures_are_printable(tmp_path: Path) -> None:
    for name in ("a\x1b[31m.png", "b\udcff.png", "[red]ä.png"):
        noise(1)[0].save(tmp_path / name)
    assert [frame.name for frame in open_source(str(tmp_path), 1).frames()] == ["[red]ä.png", "a?[31m.png", "b?.png"]


def test_single_picture_is_a_source(tmp_path: Path) -> None:
    [picture] = noise(1)
    picture.save(tmp_path / "a.png")
    source = open_source(str(tmp_path / "a.png"), 1)
    assert isinstance(source, ImageFiles)
    assert pixels([frame.image for frame in source.frames()]) == [picture.tobytes()]


def test_pattern_follows_from_the_number_alone_and_moves() -> None:
    drawn = [frame for frame, _ in zip(TestPattern(rate=10).frames(), range(5), strict=False)]
    assert [frame.timestamp for frame in drawn] == [0, 0.1, 0.2, 0.3, 0.4]
    assert pixels([frame.image for frame in drawn]) == pixels([pattern.draw(number) for number in range(5)])
    assert len(set(pixels([frame.image for frame in drawn]))) == 5
    assert drawn[0].image.size == (pattern.WIDTH, pattern.HEIGHT)


def test_source_rejects_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=r"gone.mp4 does not exist; name a video, an image"):
        open_source(str(tmp_path / "gone.mp4"), 1)
    with pytest.raises(FirebrickError, match="holds no images"):
        open_source(str(tmp_path), 1)


@pytest.mark.parametrize("name", ["camera:x", "camera:-1", "/dev/video", "/dev/video../x"])
def test_camera_rejects_other_names(name: str) -> None:
    with pytest.raises(FirebrickError, match="must be `camera`, or `camera:N`"):
        open_source(name, 1)


def test_camera_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(FirebrickError, match=r"camera:987 cannot be opened as a camera, /dev/video987: No such file"):
        next(open_source("camera:987", 1).frames())


def test_camera_is_live_and_says_when_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Camera, "open", lambda _: av.open("testsrc2=size=64x48:rate=50:duration=0.1", format="lavfi"))
    source = open_source("camera", 1)
    assert source.live
    frames = source.frames()
    times = [next(frames).timestamp for _ in range(5)]
    assert times == sorted(times)
    with pytest.raises(FirebrickError, match=r"camera gives no more frames; was it unplugged\?"):
        next(frames)
    assert source.damaged == 0


def test_missing_pyav_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    monkeypatch.setattr(video_source, "find_spec", lambda _: None)
    for name in (str(tmp_path / "a.mp4"), "camera"):
        with pytest.raises(FirebrickError, match=r"PyAV, which reads and writes videos, is missing; install firebrick\[stream\]"):
            open_source(name, 1)
    assert open_source("pattern", 1).name == "test pattern"
