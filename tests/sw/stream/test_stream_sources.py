# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Sources: pixels and timestamps are exact; damaged or hostile input is skipped or ends with one sentence.

The oracle of exact pixels is the list of images that were written, with a lossless codec.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from firebrick.sw.data.images import frame_count
from firebrick.sw.errors import FirebrickError
from firebrick.sw.stream import test_pattern as pattern
from firebrick.sw.stream import video_source
from firebrick.sw.stream.image_sources import ImageFiles, TestPattern
from firebrick.sw.stream.open_source import open_source
from firebrick.sw.stream.source import Frame
from firebrick.sw.stream.video_source import Camera, VideoFile
from firebrick.sw.utils.distribution import install_extra
from tests.helpers.live_view import noise, write_video


def pixels(images: list[Image.Image]) -> list[bytes]:
    return [image.tobytes() for image in images]


def test_video_gives_every_pixel_of_every_frame_again_and_again(tmp_path: Path) -> None:
    images = noise(7)
    write_video(tmp_path / "a.avi", images, rate=5)
    source = open_source(str(tmp_path / "a.avi"), 1)
    for _ in range(2):
        frames = list(source.frames())
        assert pixels([frame.image for frame in frames]) == pixels(images)
        assert [frame.timestamp for frame in frames] == pytest.approx([number / 5 for number in range(7)], abs=1e-3)
    assert (source.live, source.damaged) == (False, 0)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_video_is_rotated_by_its_metadata(tmp_path: Path, turn: int) -> None:
    image = Image.new("RGB", (64, 32))
    image.paste("white", (0, 0, 16, 16))  # the white corner shows the rotation
    write_video(tmp_path / "a.mp4", [image] * 3, codec="libx264", pixels="yuv420p")
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    offset = data.index(b"tkhd") + 44
    data[offset : offset + 20] = struct.pack(">5i", cosine << 16, sine << 16, 0, -sine << 16, cosine << 16)
    (tmp_path / "a.mp4").write_bytes(data)
    decoded = next(VideoFile(tmp_path / "a.mp4").frames()).image
    expected = image.rotate(-turn, expand=True)
    assert decoded.size == expected.size
    assert np.abs(np.asarray(decoded, int) - np.asarray(expected, int)).mean() < 8


@pytest.mark.parametrize("seed", range(6))
def test_video_damaged_in_the_middle_continues_with_undamaged_frames(tmp_path: Path, seed: int) -> None:
    images = noise(20)
    write_video(tmp_path / "a.avi", images)
    data = bytearray((tmp_path / "a.avi").read_bytes())
    rng = np.random.default_rng(seed)
    offsets = rng.integers(len(data) // 3, len(data) // 2, 3)
    for offset in offsets:
        data[offset] ^= int(rng.integers(1, 256))
    (tmp_path / "a.avi").write_bytes(data)
    source = VideoFile(tmp_path / "a.avi")
    decoded = pixels([frame.image for frame in source.frames()])
    undamaged = pixels(images)
    assert set(decoded) <= set(undamaged)
    assert decoded == sorted(decoded, key=undamaged.index)
    assert 15 <= len(decoded) < 20
    assert source.damaged >= 1
    assert "a.avi has a damaged frame" in source.problem


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.95])
def test_truncated_video_gives_its_remaining_frames(tmp_path: Path, fraction: float) -> None:
    images = noise(20)
    write_video(tmp_path / "a.avi", images)
    data = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(data[: int(len(data) * fraction)])
    decoded = pixels([frame.image for frame in VideoFile(tmp_path / "a.avi").frames()])
    assert decoded == pixels(images)[: len(decoded)]
    assert 20 * fraction - 2 <= len(decoded) < 20


class _LateStream:
    """A container whose demuxer meets a stream that came up after opening, as PyAV's does in a damaged MPEG-TS file."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self.streams = container.streams

    def __enter__(self) -> "_LateStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def demux(self, stream: Any) -> Iterator[Any]:
        yield from self._container.demux(stream)
        raise IndexError("list index out of range")


def test_stream_that_comes_up_late_is_counted_and_costs_no_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise(4)
    write_video(tmp_path / "a.avi", images)
    opened = av.open
    monkeypatch.setattr(av, "open", lambda *args, **options: _LateStream(opened(*args, **options)))
    source = VideoFile(tmp_path / "a.avi")
    assert pixels([frame.image for frame in source.frames()]) == pixels(images)
    assert source.damaged == 1
    assert "a.avi has packets of a stream" in source.problem


@pytest.mark.parametrize("seed", range(20))
def test_video_of_garbage_raises_at_most_a_firebrick_error(tmp_path: Path, seed: int) -> None:
    write_video(tmp_path / "a.mp4", noise(5), codec="mpeg4", pixels="yuv420p")
    rng = np.random.default_rng(seed)
    data = np.frombuffer((tmp_path / "a.mp4").read_bytes(), np.uint8).copy()
    offsets = rng.integers(0, len(data), int(rng.integers(1, 400)))
    data[offsets] = rng.integers(0, 256, len(offsets))
    (tmp_path / "a.mp4").write_bytes(data.tobytes())
    decoded: list[Frame] = []
    with suppress(FirebrickError):
        decoded.extend(VideoFile(tmp_path / "a.mp4").frames())
    assert len(decoded) <= 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {other}\n",
    ],
)
def test_video_rejects_other_files_and_playlists(tmp_path: Path, text: str) -> None:
    write_video(tmp_path / "other.avi", noise(2))
    path = tmp_path / "a.m3u8"
    path.write_text(text.format(other=tmp_path / "other.avi"))
    with pytest.raises(FirebrickError, match=r"a.m3u8 cannot be read as a video; give an MP4"):
        list(VideoFile(path).frames())


def test_video_rejects_audio_files_and_too_large_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(FirebrickError, match=r"a.avi holds no video"):
        list(VideoFile(tmp_path / "a.avi").frames())
    monkeypatch.setattr(video_source, "MAX_PIXELS", 40 * 36 - 1)
    write_video(tmp_path / "b.avi", noise(1))
    with pytest.raises(FirebrickError, match=r"b.avi has frames of 40x36 pixels; the maximum is"):
        list(VideoFile(tmp_path / "b.avi").frames())


def test_images_are_sorted_by_name_and_broken_ones_are_skipped(tmp_path: Path) -> None:
    images = noise(3)
    for name, image in zip(("c.png", "a.png", "d.png"), images, strict=True):
        image.save(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff")
    source = open_source(str(tmp_path), 1, rate=4)
    frames = list(source.frames())
    assert [(frame.name, frame.timestamp) for frame in frames] == [("a.png", 0), ("c.png", 0.5), ("d.png", 0.75)]
    assert pixels([frame.image for frame in frames]) == pixels([images[1], images[0], images[2]])
    assert source.damaged == 1
    assert "b.jpg cannot be read as an image" in source.problem


def test_names_of_images_are_printable(tmp_path: Path) -> None:
    for name in ("a\x1b[31m.png", "b\udcff.png", "[red]ä.png"):
        noise(1)[0].save(tmp_path / name)
    assert [frame.name for frame in open_source(str(tmp_path), 1).frames()] == ["[red]ä.png", "a?[31m.png", "b?.png"]


def test_single_image_is_a_source(tmp_path: Path) -> None:
    [image] = noise(1)
    image.save(tmp_path / "a.png")
    source = open_source(str(tmp_path / "a.png"), 1)
    assert isinstance(source, ImageFiles)
    assert pixels([frame.image for frame in source.frames()]) == [image.tobytes()]


def test_pattern_depends_on_the_number_alone_and_moves() -> None:
    frames = [frame for frame, _ in zip(TestPattern(rate=10).frames(), range(5), strict=False)]
    assert [frame.timestamp for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert pixels([frame.image for frame in frames]) == pixels([pattern.draw(number) for number in range(5)])
    assert len(set(pixels([frame.image for frame in frames]))) == 5
    assert frames[0].image.size == (pattern.WIDTH, pattern.HEIGHT)


def test_source_rejects_missing_files_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=r"gone.mp4 does not exist; name a video, an image"):
        open_source(str(tmp_path / "gone.mp4"), 1)
    with pytest.raises(FirebrickError, match="holds no images"):
        open_source(str(tmp_path), 1)


@pytest.mark.parametrize(
    "name", ["camera:x", "camera:-1", "/dev/video", "/dev/video../x", "/dev/v4l/by-id/", "/dev/v4l/by-id/../x", "/dev/v4l/x"]
)
def test_camera_rejects_other_names(name: str) -> None:
    with pytest.raises(FirebrickError, match="must be `camera`, `camera:N` for the file /dev/videoN, or a file in /dev/v4l/by-id"):
        open_source(name, 1)


LASTING = "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_1A2B3C4D-video-index0"


@pytest.mark.parametrize(
    ("name", "file"),
    [("camera:987", "/dev/video987"), (LASTING, LASTING), ("/dev/v4l/by-path/pci-0000:00:14.0-usb-0:9:1.0-video-index0",) * 2],
)
def test_missing_camera_is_reported_in_one_sentence(name: str, file: str) -> None:
    with pytest.raises(FirebrickError, match=f"{name} cannot be opened as a camera, {file}: No such file"):
        next(open_source(name, 1).frames())


def test_camera_is_live_and_raises_when_it_is_unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
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
        with pytest.raises(FirebrickError, match="PyAV, .*, is missing; " + re.escape(install_extra("stream"))):
            open_source(name, 1)
    assert open_source("pattern", 1).name == "test pattern"


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "avif", "tif"])
def test_all_frames_of_an_animation_are_streamed(tmp_path: Path, suffix: str) -> None:
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)]
    images = [Image.new("RGB", (40, 36), colour) for colour in colours]
    path = tmp_path / f"a.{suffix}"
    images[0].save(path, save_all=True, append_images=images[1:], duration=200)
    assert frame_count(path) == 4
    frames = list(open_source(str(path), 32).frames())
    assert [frame.timestamp for frame in frames] == pytest.approx([0, 1, 2, 3] if suffix == "tif" else [0, 0.2, 0.4, 0.6])
    for frame, colour in zip(frames, colours, strict=True):
        assert abs(np.asarray(frame.image, int) - colour).max() <= 8
    path.write_bytes(path.read_bytes()[:-30])
    source = open_source(str(path), 32)
    assert len(list(source.frames())) + source.damaged <= 5


def test_image_before_an_animation_is_none_of_its_frames(tmp_path: Path) -> None:
    images = [Image.new("RGB", (40, 36), colour) for colour in ("white", "red", "blue")]
    images[0].save(tmp_path / "a.png", save_all=True, append_images=images[1:], default_image=True)
    assert [frame.image.getpixel((0, 0)) for frame in open_source(str(tmp_path / "a.png"), 32).frames()] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize("name", ["photo.jfif", "photo.JPE", "photo.pgm", "photo.avif", "photo", "photo.dat"])
def test_image_is_known_by_its_suffix_or_contents(tmp_path: Path, name: str) -> None:
    kind = {"photo.pgm": "PPM", "photo.avif": "AVIF"}.get(name, "JPEG")
    noise(1)[0].save(tmp_path / name, kind)
    source = open_source(str(tmp_path / name), 32)
    assert isinstance(source, ImageFiles)
    assert len(list(source.frames())) == 1


def test_large_image_is_shown_smaller_and_scaled_from_all_its_pixels(tmp_path: Path) -> None:
    large = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1200, 1500, 3), dtype=np.uint8))
    large.save(tmp_path / "a.png", compress_level=1)
    [frame] = open_source(str(tmp_path / "a.png"), 64).frames()
    assert frame.image.size == (1200, 960)
    assert frame.scaled is not None
    assert pixels([frame.scaled]) == pixels([large.resize((80, 64), Image.Resampling.BICUBIC)])
