# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The paper's tables reproduced: our figures equal the paper's, and known differences are exact to the byte."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.cli.main import main
from firebrick.sw.importers import import_source
from firebrick.sw.network.metaparameters import megabytes
from firebrick.sw.network.presets import squeezenet1_0
from firebrick.sw.reports.paper.html import paper_page
from firebrick.sw.reports.paper.table2_sizes import stored_bytes
from firebrick.sw.reports.paper.tables import sections, size_difference
from tests.helpers.paths import SHARED

OFFICIAL = SHARED / "models" / "compressed_SqueezeNet.net"


def tables() -> dict[str, list[dict[str, object]]]:
    return {section.key: section.as_dict()["rows"] for section in sections()}


def test_table1_is_the_papers_before_and_after_pruning() -> None:
    for row in tables()["table1"]:
        assert row["parameters, ours"] == row["parameters, paper"]
        assert row["after pruning, ours"] == row["after pruning, paper"]
    total = tables()["table1"][-1]
    assert (total["parameters, ours"], total["after pruning, ours"]) == (1_248_424, 421_098)


def test_fig3_and_table3_are_the_papers_but_for_complex_bypass() -> None:
    by_key = tables()
    for row in (*by_key["figure3a"], *by_key["figure3b"], *by_key["table3"]):
        if row.get("bypass") == "complex":
            assert (row["bytes, ours"], row["MB, ours"], row["bytes to the paper's"]) == (6_358_688, 6.1, 1_610_490)
        else:
            assert row["MB, paper"] in (None, row["MB, ours"])
            assert row["bytes to the paper's"] in (None, 0)
    assert [row["MB, paper"] for row in by_key["figure3a"]] == [4.8, None, 13, 19, None]
    assert [row["MB, paper"] for row in by_key["figure3b"]] == [5.7, None, 13, None, 21]


def test_table2_has_the_papers_sizes_but_for_6_bits() -> None:
    *_, dense, eight, six = tables()["table2"]
    assert (dense["bytes, ours"], dense["bytes to the paper's"]) == (4_993_696, 0)
    assert (eight["MB, ours"], eight["bytes, ours"], eight["bytes to the paper's"]) == (0.66, 668_315, 0)
    assert (six["MB, ours"], six["bytes, ours"], six["bytes to the paper's"]) == (0.54, 544_067, 481_280 - 544_067)


@pytest.mark.skipif(not OFFICIAL.exists(), reason="needs the authors' file in ../shared/models")
def test_table2_knows_the_authors_format() -> None:
    data = OFFICIAL.read_bytes()
    network = squeezenet1_0()
    entries = np.frombuffer(data, "<u4", len(network.layers()))
    halves = sum(int(count) % 2 for count in entries) // 2  # the runs of each layer fill whole bytes
    assert abs(stored_bytes(network, int(entries.sum()), 8) + halves - len(data)) <= 1
    assert len(data) == 675_763


@given(st.integers(1, 1 << 26), st.integers(1, 300))
def test_size_difference_is_the_smallest_change_that_prints_as_the_papers_size(size: int, tenths: int) -> None:
    printed = tenths / 10 if tenths <= 100 else float(-(-tenths // 10))
    change = size_difference(size, printed)
    assert megabytes(size + change) == printed
    if change:
        assert megabytes(size + change - (1 if change > 0 else -1)) != printed


class Tags(HTMLParser):
    """Checks that every tag is closed, and collects what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name == "src" or (name == "href" and tag != "a")]
        self.cells += tag == "td"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_and_fetches_nothing() -> None:
    all_sections = sections()
    tags = Tags()
    tags.feed(paper_page(all_sections))
    assert tags.open == tags.fetched == []
    assert "<code>firebrick paper</code>" in paper_page(all_sections)
    assert "&lt;" not in paper_page(all_sections)
    assert tags.cells == sum(len(row) for section in all_sections for row in section.rows)
    assert paper_page(all_sections) == paper_page(sections())


def test_command_writes_a_page_prints_tables_and_json(tmp_path: Path) -> None:
    page = tmp_path / "new" / "paper.html"
    result = CliRunner().invoke(main, ["paper", "-o", str(page), "--json"], catch_exceptions=False)
    assert list(json.loads(result.stdout)) == ["table1", "table2", "figure3a", "figure3b", "table3"]
    assert page.read_text() == paper_page(sections())
    assert f"wrote {page}" in CliRunner().invoke(main, ["paper", "-o", str(page)], catch_exceptions=False).stdout
    assert "421,098" in CliRunner().invoke(main, ["paper"], catch_exceptions=False).stdout
    broken = CliRunner().invoke(main, ["paper", "--net", str(tmp_path / "gone.net")])
    assert (broken.exit_code, broken.stdout) == (1, "")
    assert "gone.net cannot be read" in broken.stderr


@pytest.mark.skipif(not OFFICIAL.exists(), reason="needs the authors' file in ../shared/models")
def test_table1_counts_the_authors_file() -> None:
    table1 = sections(import_source(str(OFFICIAL)))[0].as_dict()
    total = table1["rows"][-1]
    assert total["in the authors' file"] == 415_921 + 3_976
    assert all((row["in the authors' file"] or 0) <= (row["after pruning, paper"] or 0) for row in table1["rows"])
