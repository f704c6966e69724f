# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the README's two images in docs/images: the pipeline of SqueezeNet v1.1, and a screenshot of the live view.

The screenshot needs Chromium (Debian: apt-get install chromium) and the extra `dev`.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Shape, Stage
from firebrick.sw.network.presets import squeezenet1_1
from firebrick.sw.reports.svg_blocks import Block, block_diagram
from firebrick.sw.utils.atomic_files import write_atomically

IMAGES = Path(__file__).parent.parent / "docs" / "images"
PHOTOGRAPH = "chelsea.png"
"""A photograph of a cat, which scikit-image ships."""
WIDTH, HEIGHT = 1100, 800
"""Size of the browser's window."""
MARGIN = 7
"""Pixels below the last section that is shown."""
COLOURS = 256
"""Colours of the screenshot's palette, which makes the file a third as large."""
FRAMES = 40
"""Frames after which the charts have enough points."""


def pipeline_svg() -> str:
    """The stages of SqueezeNet v1.1 with the sizes of their output feature maps."""
    network = squeezenet1_1()
    shapes = network.shapes()
    blocks = [_block(stage, shape) for stage, shape in zip(network.stages, shapes[1:], strict=True)]
    return block_diagram(blocks, title="The pipeline of SqueezeNet v1.1", entry=f"image {_size(shapes[0])}", columns=7)


def _block(stage: Stage, output: Shape) -> Block:
    match stage:
        case Conv():
            stride = f", stride {stage.stride}" if stage.stride > 1 else ""
            return Block(stage.name, (f"{stage.kernel}\u00d7{stage.kernel}{stride}", f"{stage.filters} filters"), _size(output), "conv")
        case Fire():
            return Block(stage.name, (f"squeeze {stage.squeeze}", f"expand {stage.expand1x1} + {stage.expand3x3}"), _size(output), "fire")
        case MaxPool():
            return Block(stage.name, ("max 3\u00d73,", "stride 2"), _size(output), "pool")
        case GlobalAverage():
            return Block(stage.name, ("global", "average"), f"{output.channels} scores", "pool")


def _size(shape: Shape) -> str:
    return f"{shape.height}\u00d7{shape.width}\u00d7{shape.channels}"


@contextmanager
def live_view() -> Iterator[str]:
    """The address of `firebrick serve`, which runs on a photograph."""
    program = str(Path(sys.executable).with_name("firebrick"))
    command = [program, "serve", "--json", "--port", "0", "--device", "golden", str(files("skimage.data").joinpath(PHOTOGRAPH))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
            yield json.loads(text)["url"]
        finally:
            process.terminate()


def screenshot(url: str) -> bytes:
    """A PNG of the live view once its charts have enough points."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox, timeout=120_000)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(url)
        script = "count => Number(document.querySelector('#frames').textContent.replaceAll(',', '')) >= count"
        page.wait_for_function(script, arg=FRAMES, timeout=300_000)
        page.wait_for_function("document.querySelectorAll('.chart polyline').length === 2")
        bottom = page.evaluate("document.querySelector('#pipeline').parentElement.getBoundingClientRect().bottom")
        png = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": bottom + MARGIN})
        browser.close()
    with Image.open(io.BytesIO(png)) as image:
        palette = image.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=2)
    data = io.BytesIO()
    palette.save(data, "PNG", optimize=True)
    return data.getvalue()


if __name__ == "__main__":
    write_atomically(IMAGES / "pipeline.svg", pipeline_svg().encode())
    with live_view() as address:
        write_atomically(IMAGES / "live_view.png", screenshot(address))
    for path in sorted(IMAGES.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
