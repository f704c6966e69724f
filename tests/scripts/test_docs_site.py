# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The site of the documentation: every link leads somewhere, in the repository and on the site, and it can be read on a telephone."""

import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.chromium import chromium, needs_chromium
from tests.helpers.paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (1280, 400)
"""A desktop's window and a telephone's, in CSS pixels."""
WIDE = """width => [...document.querySelectorAll("article *")]
  .filter(e => e.getBoundingClientRect().right > width + 1 && !e.closest(".md-typeset__scrollwrap, pre"))
  .map(e => e.tagName + " " + e.textContent.trim().slice(0, 60))"""


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("glossary.md", "../sw/plan/nodes.py", "source/sw/plan/nodes.py.md"),
        ("glossary.md", "numerics.md", "numerics.md"),
        ("compression.md", "../README.md", "project/readme.md"),
        ("project/readme.md", "docs/images/pipeline.svg", "images/pipeline.svg"),
        ("project/contributing.md", "docs/architecture.md", "architecture.md"),
        ("project/readme.md", "CONTRIBUTING.md", "project/contributing.md"),
    ],
)
def test_links_of_the_repository_have_pages_on_the_site(page: str, link: str, there: str) -> None:
    hooks = runpy.run_path(str(ROOT / "scripts" / "docs_hooks.py"))
    assert hooks["site_page"](hooks["target"](page, link)) == there


@pytest.mark.slow
def test_broken_links_and_anchors_stop_the_build(tmp_path: Path) -> None:
    for name in ("docs", "scripts", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "mkdocs.yml", "api", "hw", "sw"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".types", tmp_path / ".types", symlinks=True)
    page = tmp_path / "docs" / "glossary.md"
    page.write_text(
        page.read_text() + "[a](numerics.md#none) [b](none.md) [c](../sw/none.py) ![d](images/none.png) [e](../README.md#none)\n"
    )
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode == 1
    assert built.stderr.count("WARNING -") == 5, built.stderr


@pytest.mark.slow
@needs_chromium
def test_pages_load_nothing_from_elsewhere_and_do_not_scroll_sideways(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    faults = []
    with chromium() as browser:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900})
            elsewhere = requests_elsewhere(page)
            pages = sorted((tmp_path / "site").rglob("*.html"))
            listings = [path for path in pages if "source" in path.parts]  # all alike
            for path in [*(path for path in pages if path not in listings), *listings[:1]]:
                page.goto(path.as_uri())
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    faults.append((width, path.name, page.evaluate(WIDE, width)))
            assert elsewhere == []
    assert faults == []


def requests_elsewhere(page: "Page") -> list[str]:
    """The addresses that the page asks for and that are not files; filled while it loads."""
    urls: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else urls.append(request.url))
    return urls


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(folder / "mkdocs.yml"), "--site-dir", str(site)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
