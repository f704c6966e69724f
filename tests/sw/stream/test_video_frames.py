# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames are shown as a player shows them. The oracle is the image that was written, transformed with Pillow or NumPy."""

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from firebrick.sw.errors import FirebrickError
from firebrick.sw.stream.timeline import MAX_GAP, Timeline
from firebrick.sw.stream.video_source import VideoFile
from tests.helpers.live_view import write_video

WIDTH, HEIGHT = 96, 64


def corner_image() -> Image.Image:
    """A different colour in each corner, so that every rotation and reflection shows."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "grey")
    for colour, place in {"red": (0, 0), "green": (64, 0), "blue": (0, 32), "white": (64, 32)}.items():
        image.paste(colour, (*place, place[0] + 32, place[1] + 32))
    return image


def assert_close(decoded: Image.Image, expected: np.ndarray) -> None:
    """Equal but for the losses of H.264 at the edges of colours."""
    assert (decoded.height, decoded.width) == expected.shape[:2]
    assert np.abs(np.asarray(decoded, int) - expected.astype(int)).mean() < 12


@pytest.mark.parametrize("a", [-1, 1])
@pytest.mark.parametrize("d", [-1, 1])
@pytest.mark.parametrize("swaps_axes", [False, True])
def test_display_matrix_rotates_and_mirrors(tmp_path: Path, a: int, d: int, swaps_axes: bool) -> None:
    image = corner_image()
    write_video(tmp_path / "a.mp4", [image] * 3, codec="libx264", pixels="yuv420p")
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    offset = data.index(b"tkhd") + 44
    # x = a p + c q, y = b p + d q
    linear = (0, a, d) if swaps_axes else (a, 0, 0)
    data[offset : offset + 20] = struct.pack(">5i", linear[0] << 16, linear[1] << 16, 0, linear[2] << 16, 0 if swaps_axes else d << 16)
    (tmp_path / "a.mp4").write_bytes(data)
    pixels = np.asarray(image)
    rows, columns = np.indices((WIDTH, HEIGHT) if swaps_axes else (HEIGHT, WIDTH))
    # Where the pixel shown at (x, y) comes from; an axis that runs backwards begins at its end.
    p, q = (rows, columns) if swaps_axes else (columns, rows)
    expected = pixels[q if d > 0 else HEIGHT - 1 - q, p if a > 0 else WIDTH - 1 - p]
    assert_close(next(VideoFile(tmp_path / "a.mp4").frames()).image, expected)


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(64, 45), (137, 64)), (Fraction(1, 2), (96, 128)), (Fraction(100), (96, 64))])
def test_anamorphic_frames_get_square_pixels(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for packet in [*stream.encode(av.VideoFrame.from_image(corner_image())), *stream.encode(None)]:
            container.mux(packet)
    image = next(VideoFile(path).frames()).image
    assert image.size == size
    assert_close(image.resize((WIDTH, HEIGHT)), np.asarray(corner_image()))


@pytest.mark.parametrize(
    ("name", "codec", "pixels"), [("a.mov", "png", "rgba"), ("a.webm", "libvpx-vp9", "yuva420p"), ("b.webm", "libvpx", "yuva420p")]
)
def test_transparent_pixels_are_white(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    frame = np.zeros((HEIGHT, WIDTH, 4), np.uint8)  # transparent black
    frame[16:48, 32:64] = (200, 40, 40, 255)
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=5, options={"auto-alt-ref": "0"} if codec == "libvpx" else {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if name.endswith("webm"):
            stream.metadata["alpha_mode"] = "1"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgba")))
        container.mux(stream.encode(None))
    decoded = [frame.image for frame in VideoFile(tmp_path / name).frames()]
    assert len(decoded) == 3
    expected = np.full((HEIGHT, WIDTH, 3), 255)
    expected[16:48, 32:64] = (200, 40, 40)
    assert_close(decoded[0], expected)


def write_with_cover(path: Path, frames: int) -> None:
    """An MP4 with a red cover and a film of some frames."""
    cover = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), "red").save(cover, "jpeg")
    with av.open(str(path), "w") as container:
        art = container.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        art.disposition = av.stream.Disposition.attached_pic
        film = container.add_stream("libx264", rate=10) if frames else None
        if film:
            film.width, film.height, film.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.start_encoding()
        packet = av.Packet(cover.getvalue())
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = art, 0, 0, True
        container.mux(packet)
        if film:
            for _ in range(frames):
                container.mux(film.encode(av.VideoFrame.from_image(corner_image())))
            container.mux(film.encode(None))


def with_cover_first(data: bytes) -> bytes:
    """The MP4 with its box of metadata, which holds the cover, before that of the film: FFmpeg numbers streams in this order."""
    moov = data.index(b"moov") - 4
    track = data.index(b"trak", moov) - 4
    udta = data.index(b"udta", track) - 4
    end = moov + int.from_bytes(data[moov : moov + 4], "big")
    return data[:track] + data[udta:end] + data[track:udta] + data[end:]


def test_cover_art_is_not_the_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_with_cover(path, frames=7)
    path.write_bytes(with_cover_first(path.read_bytes()))
    with av.open(str(path)) as container:
        assert container.streams.video[0].disposition & av.stream.Disposition.attached_pic
    frames = list(VideoFile(path).frames())
    assert len(frames) == 7
    assert_close(frames[0].image, np.asarray(corner_image()))


def test_cover_art_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_with_cover(path, frames=0)
    with pytest.raises(FirebrickError, match="holds no video stream"):
        next(VideoFile(path).frames())


def test_joined_recordings_run_on(tmp_path: Path) -> None:
    for name in ("a.ts", "b.ts"):
        write_video(tmp_path / name, [corner_image()] * 20, codec="libx264", pixels="yuv420p", rate=10)
    joined = tmp_path / "joined.ts"
    joined.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    times = [frame.timestamp for frame in VideoFile(joined).frames()]
    assert times == pytest.approx(np.arange(len(times)) / 10, abs=1e-3)
    assert len(times) == 40


def test_timeline_goes_on_by_a_step_where_the_file_goes_back_or_leaps() -> None:
    timeline = Timeline(0.04)
    in_file = [5.0, 5.1, 5.2, 5.0, 5.1, 3605.1, 3605.2, None, 3605.4, 3605.4]
    assert [timeline.next(timestamp) for timestamp in in_file] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.8])


def test_timeline_keeps_slow_recordings() -> None:
    timeline = Timeline(30.0)  # one frame in half a minute
    assert [timeline.next(timestamp) for timestamp in (0.0, 30.0, 60.0, 90.5)] == [0, 30, 60, 90.5]


@given(st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1, max_size=50), st.floats(0.001, 1))
def test_timeline_never_goes_back_and_never_leaps(timestamps: list[float | None], step: float) -> None:
    timeline = Timeline(step)
    times = [timeline.next(timestamp) for timestamp in timestamps]
    gaps = np.diff(times)
    assert times[0] == 0
    assert (gaps >= 0).all()
    assert (gaps <= max(MAX_GAP, 10 * step) * 10 ** len(times)).all()
