# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The live view in headless Chromium: what users see and do. Screenshots are kept in build/screenshots."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.stream.image_sources import TestPattern
from tests.helpers.chromium import SECONDS, chromium, needs_chromium
from tests.helpers.live_view import FakeDevice, noise, write_video
from tests.helpers.paths import ROOT
from tests.helpers.served import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENSHOTS = ROOT / "build" / "screenshots"

pytestmark = [
    pytest.mark.slow,
    needs_chromium,
]


@pytest.fixture(scope="module")
def served(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    model = read_fire(small_model)

    def plug() -> FakeDevice:
        return FakeDevice(model, delay=0.01, counters=lambda frames: {"frames": frames, "cycles": 9 * frames, "busy": 6 * frames})

    with serving(plug, TestPattern, tmp_path_factory.mktemp("browser") / "uploads") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as running:
        yield running


@pytest.fixture
def page(browser: "Browser", served: Served) -> Iterator["Page"]:
    """The live view; a message on the console or an error in a script fails the test."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(SECONDS)
    messages: list[str] = []
    opened.on("console", lambda message: messages.append(message.text))
    opened.on("pageerror", lambda problem: messages.append(str(problem)))
    opened.goto(served.url)
    with opened.expect_response("**/source/pattern"):
        opened.click("#pattern")
    wait(opened, "#caption", "test pattern · frame")
    yield opened
    opened.close()
    assert [text for text in messages if "status of 415" not in text] == []


def wait(page: "Page", selector: str, text: str) -> None:
    """Wait until an element contains a text."""
    page.wait_for_function("([selector, text]) => document.querySelector(selector).textContent.includes(text)", arg=[selector, text])


def shoot(page: "Page", name: str) -> np.ndarray:
    """The pixels of a screenshot of the whole page, which is also kept as a file."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    with Image.open(SCREENSHOTS / f"{name}.png") as image:
        return np.asarray(image.convert("RGB"))


def test_page_shows_frame_labels_rates_and_pipeline(page: "Page") -> None:
    page.wait_for_function("document.querySelectorAll('.chart polyline').length === 2")
    wait(page, "#caption", "test pattern · frame")
    assert page.inner_text("#what") == "random on fake"
    assert page.locator("#top5 li").count() == 5
    percentages = [float(text.rstrip(" %")) for text in page.locator("#top5 .label span:last-child").all_inner_texts()]
    assert percentages == sorted(percentages, reverse=True)
    assert sum(percentages) <= 100.5
    assert float(page.inner_text("#rate")) > 0
    assert page.inner_text("#lost") == "0"
    assert page.locator("#pipeline li").first.inner_text().splitlines()[1] == "conv1"
    wait(page, "#plan", "measured: some engine multiplies in 67% of all cycles")
    assert page.locator("#counters dt").all_inner_texts() == ["frames", "cycles", "busy"]
    ratios = page.evaluate(
        "(image => [image.naturalWidth / image.naturalHeight, image.width / image.height])(document.querySelector('#image'))"
    )
    assert ratios == pytest.approx([640 / 480] * 2, rel=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 400, 800, 1400])
def test_page_fits_every_width_in_light_and_dark(page: "Page", width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_function("document.querySelectorAll('.chart polyline').length === 2")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    pixels = shoot(page, f"{scheme}-{width}")
    assert (pixels[2, 2].mean() > 128) == (scheme == "light")


def test_uploaded_image_is_shown_and_a_wrong_file_is_explained(page: "Page", tmp_path: Path) -> None:
    noise(1, 90, 60)[0].save(tmp_path / "cat <i>.png")
    page.set_input_files("#file", tmp_path / "cat <i>.png")
    wait(page, "#caption", "cat <i>.png · frame")
    (tmp_path / "wrong.png").write_text("no picture")
    with page.expect_response("**/upload*"):
        page.set_input_files("#file", tmp_path / "wrong.png")
    wait(page, "#notice", "wrong.png cannot be read as a video; give an MP4")


def test_uploaded_video_repeats(page: "Page", tmp_path: Path) -> None:
    write_video(tmp_path / "clip.avi", noise(5))
    page.set_input_files("#file", tmp_path / "clip.avi")
    wait(page, "#caption", "clip.avi · frame")


def test_browser_camera_is_streamed_until_it_is_switched_off(page: "Page") -> None:
    page.click("#camera")
    wait(page, "#caption", "browser camera · frame")
    assert page.get_attribute("#camera", "aria-pressed") == "true"
    page.click("#camera")
    wait(page, "#status", "ended")
    assert page.get_attribute("#camera", "aria-pressed") is None
    page.click("#camera")
    wait(page, "#status", "running")
    page.click("#pattern")
    wait(page, "#caption", "test pattern · frame")
    page.wait_for_function("!document.querySelector('#camera').hasAttribute('aria-pressed')")


def test_page_reconnects_when_the_server_restarts(browser: "Browser", small_model: Path, tmp_path: Path) -> None:
    model = read_fire(small_model)
    page = browser.new_page()
    page.set_default_timeout(SECONDS)
    with serving(lambda: FakeDevice(model), TestPattern, tmp_path / "uploads") as first:
        page.goto(first.url)
        wait(page, "#status", "running")
        port = first.port
    wait(page, "#status", "no connection to the server")
    with serving(lambda: FakeDevice(model), TestPattern, tmp_path / "uploads", port=port):
        wait(page, "#status", "running")
    page.close()
