# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pages on a telephone of 400 pixels: they do not scroll sideways, and their text neither overlaps nor leaves its place.

Tables and drawings may scroll in boxes of their own. Screenshots are kept in build/screenshots. The live view: test_serve_browser.py.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from firebrick.sw.explore.design_points import Grid, design_points, lanes_target
from firebrick.sw.explore.html import exploration_page
from firebrick.sw.explore.result_cache import ResultCache
from firebrick.sw.explore.runner import explore, rows
from firebrick.sw.reports.bitstream_html import bitstream_page
from firebrick.sw.reports.paper.html import paper_page
from firebrick.sw.reports.paper.tables import sections
from firebrick.sw.utils.progress import no_progress
from tests.helpers.build_reports import report
from tests.helpers.chromium import SECONDS, chromium, needs_chromium
from tests.helpers.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

WIDTH = 400
SCREENSHOTS = ROOT / "build" / "screenshots"
OVERLAPPING = """() => [...document.querySelectorAll("svg:not([viewBox])")].flatMap(svg => {
  const texts = [...svg.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()]);
  return texts.flatMap(([one, a], index) => texts.slice(index + 1)
    .filter(([_, b]) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).map(([two]) => [one, two]));
})"""
OUTSIDE = """width => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest(".table, figure, .drawing") || element.matches(".table, figure, .drawing"))
  .filter(element => element.getBoundingClientRect().right > width).map(element => element.textContent.trim().slice(0, 40))"""

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as running:
        yield running


def fits(browser: "Browser", page: str, name: str) -> None:
    """Fails unless a page reads well at ``WIDTH``."""
    opened = browser.new_page(viewport={"width": WIDTH, "height": 900}, device_scale_factor=1, is_mobile=True)
    opened.set_default_timeout(SECONDS)
    opened.set_content(page)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.screenshot(path=SCREENSHOTS / f"{name}-{WIDTH}.png", full_page=True)
    scroll, client = opened.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    outside, overlapping = opened.evaluate(OUTSIDE, WIDTH), opened.evaluate(OVERLAPPING)
    opened.close()
    assert scroll <= client == WIDTH
    assert outside == []
    assert overlapping == []


def test_bitstream_report_fits(browser: "Browser") -> None:
    document = report()
    where = "fire9_expand partition_3 weights codes decoder"
    document["critical_path"].append({"where": where, "kind": "logic", "what": "cell", "ns": 0.5})
    document["network"] = "a_name_that_somebody_has_given_to_a_network_of_the_family"
    fits(browser, bitstream_page(document), "bitstream")


def test_paper_page_fits(browser: "Browser") -> None:
    fits(browser, paper_page(sections()), "paper")


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs the extra `plots`")
def test_exploration_page_fits(browser: "Browser", tmp_path: "Path") -> None:
    points = design_points(Grid(classes=(5,), size=(35, 35), base_e=(4,), incr_e=(2,)).models(), [lanes_target(30), lanes_target(60)])
    results = explore(points, ResultCache(tmp_path, b""), lambda: ThreadPoolExecutor(1), no_progress)
    fits(browser, exploration_page(rows(points, results, 60e6, {}), 60e6), "exploration")
