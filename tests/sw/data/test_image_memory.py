# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An image of any format and mode takes at most 300 MB more than a small one, or is refused in a sentence; memory returns afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.peak_memory import run_measured, serve_measured

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is measured in /proc")
MOST = 300_000_000
"""Bytes of memory that an accepted image may take."""
KEPT = 30_000_000
"""Bytes of memory that may be left afterwards; the libraries of a format are loaded with its first image."""
ACCEPTED: dict[str, Callable[[Path], None]] = {
    "a.webp": lambda path: Image.new("RGBA", (3900, 3900), (9, 200, 30, 100)).save(path, method=0),
    "rgb.png": lambda path: Image.new("RGB", (5000, 5500), (9, 200, 30)).save(path, compress_level=1),
    "float.tif": lambda path: Image.fromarray(np.full((3000, 3000), 0.4, np.float32)).save(path),
    "cmyk.jpg": lambda path: Image.new("CMYK", (3000, 3000), (9, 200, 30, 40)).save(path),
}
LARGEST: dict[str, Callable[[Path], None]] = {
    "a.avif": lambda path: Image.new("RGBA", (3700, 3700), (9, 200, 30, 100)).save(path, speed=10),
    "a.jp2": lambda path: Image.new("RGBA", (3100, 3100), (9, 200, 30, 100)).save(path),
    "rgb.png": lambda path: Image.new("RGB", (7900, 7900), (9, 200, 30)).save(path, compress_level=1),
    "16.png": lambda path: Image.fromarray(np.full((10_000, 9_900), 40_000, np.uint16)).save(path, compress_level=1),
    "palette.png": lambda path: Image.new("P", (10_000, 9_900), 1).save(path, transparency=1, compress_level=1),
    "cmyk.jpg": lambda path: Image.new("CMYK", (9_900, 9_900), (9, 200, 30, 40)).save(path),
    "progressive.jpg": lambda path: Image.new("RGB", (6_400, 6_400), (9, 20, 30)).save(path, progressive=True, subsampling=0),
    "float.tif": lambda path: Image.fromarray(np.full((7900, 7900), 0.4, np.float32)).save(path),
    "lzw.tif": lambda path: Image.new("RGBA", (5_500, 5_500), (9, 20, 30, 4)).save(path, compression="tiff_lzw", strip_size=1 << 30),
    "a.bmp": lambda path: Image.new("RGB", (7900, 7900), (9, 200, 30)).save(path),
    "a.gif": lambda path: Image.new("P", (8000, 8000), 1).save(path),
}
REFUSED: dict[str, Callable[[Path], None]] = {
    "a.png": lambda path: Image.new("RGB", (8100, 8100)).save(path, compress_level=1),
    "cmyk.jpg": lambda path: Image.new("CMYK", (5000, 7500), (9, 200, 30, 40)).save(path, progressive=True),
    "one-strip.tif": lambda path: Image.new("RGB", (6000, 6000)).save(path, compression="tiff_lzw", strip_size=1 << 30),
    "large.webp": lambda path: Image.new("RGB", (4200, 4200), (9, 200, 30)).save(path, method=0),
}
MEASURE = """
import json, sys
from pathlib import Path
from firebrick.sw.data.images import read_image
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Shape

def memory(kind):
    return 1024 * next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(kind))

def attempt(path):
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew, see proc(5)
    error = ""
    try:
        read_image(path, Preprocessing(256, (0.0, 0.0, 0.0)), Shape(3, 227, 227))
    except FirebrickError as problem:
        error = str(problem)
    return memory("VmHWM") - before, memory("VmRSS") - before, error

print(json.dumps([attempt(Path(path)) for path in sys.argv[1:]]))
"""


def measured(folder: Path, images: dict[str, Callable[[Path], None]]) -> dict[str, tuple[int, int, str]]:
    """The memory that each image takes at most, what is left of it afterwards, and the error."""
    for name, save in images.items():
        save(folder / name)
    words = [sys.executable, "-c", MEASURE, *(str(folder / name) for name in images)]
    result = subprocess.run(words, capture_output=True, text=True, env=os.environ, check=True)
    return dict(zip(images, (tuple(entry) for entry in json.loads(result.stdout)), strict=True))


def test_accepted_images_take_less_than_the_limit(tmp_path: Path) -> None:
    for name, (peak, kept, error) in measured(tmp_path, ACCEPTED).items():
        assert error == "", name
        assert peak < MOST, name
        assert kept < KEPT, name


@pytest.mark.slow
def test_largest_accepted_images_take_less_than_the_limit(tmp_path: Path) -> None:
    for name, (peak, kept, error) in measured(tmp_path, LARGEST).items():
        assert error == "", name
        assert peak < MOST, name
        assert kept < KEPT, name


@pytest.mark.parametrize("names", ["a.png one-strip.tif", pytest.param("cmyk.jpg large.webp", marks=pytest.mark.slow)])
def test_images_that_would_take_more_are_refused_before_they_are_decoded(tmp_path: Path, names: str) -> None:
    for name, (peak, _, error) in measured(tmp_path, {name: REFUSED[name] for name in names.split()}).items():
        assert f"{name}: decoding this " in error
        assert "MB of memory, and at most 256 MB are allowed; scale it down to" in error
        assert peak < 20_000_000, name


@pytest.fixture(scope="module")
def large_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three large images and a small one."""
    folder = tmp_path_factory.mktemp("large")
    Image.new("RGB", (40, 40), "red").save(folder / "0.png")
    Image.new("RGBA", (3900, 3900), (9, 200, 30, 100)).save(folder / "1.webp", method=0)
    Image.new("RGB", (4000, 4000), (9, 200, 30)).save(folder / "2.png", compress_level=1)
    (folder / "3.png").write_bytes((folder / "2.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def small_image_peak(large_images: Path, small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The memory that a command takes for a small image."""
    return run_measured(tmp_path_factory.mktemp("peak"), "classify", "--model", str(small_model), str(large_images / "0.png")).peak


@pytest.mark.parametrize("command", ["classify", "evaluate", "stream"])
def test_command_takes_as_much_for_many_images_as_for_one(
    large_images: Path, small_model: Path, small_image_peak: int, tmp_path: Path, command: str
) -> None:
    (tmp_path / "labels.csv").write_text("file,class_index\n" + "".join(f"{path.name},1\n" for path in large_images.iterdir()))
    words = {
        "classify": [str(path) for path in sorted(large_images.iterdir())],
        "evaluate": ["--labels", str(tmp_path / "labels.csv"), str(large_images)],
        "stream": [str(large_images)],
    }
    run = run_measured(tmp_path, command, "--json", "--model", str(small_model), *words[command])
    assert run.status == 0, run.stderr
    assert run.peak - small_image_peak < MOST


@pytest.mark.slow
def test_live_view_takes_as_much_for_large_images_and_uploads_as_for_one(large_images: Path, small_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    small = serve_measured(tmp_path, small_model, large_images / "0.png", [large_images / "0.png"])
    images = sorted(large_images.iterdir())
    run = serve_measured(tmp_path, small_model, large_images, [*images, *images])
    assert (small.stdout, run.stdout) == ("204", " ".join(["204"] * 2 * len(images))), run.stderr
    assert run.peak - small.peak < MOST
