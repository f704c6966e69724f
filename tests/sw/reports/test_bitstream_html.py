# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The page of a bitstream's report: whole, self-contained, and true to the figures, extremes included."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.reports.bitstream_html import bitstream_page
from firebrick.sw.reports.svg_charts import Bar, RooflinePoint, bar_chart, roofline_chart
from tests.helpers.build_reports import report


def drawings(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def test_page_is_self_contained_and_deterministic() -> None:
    page = bitstream_page(report())
    assert page == bitstream_page(report())
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import", page)
    assert len(drawings(page)) == 8
    assert "a &lt;small&gt; &amp; odd one on ulx3s_12f" in page
    assert "<small>" not in page


def test_page_shows_the_figures_of_the_report() -> None:
    page = bitstream_page(report())
    whole = report()
    figures = ("1,234.5", "40 MHz", "Fmax 45.6 MHz", f"{whole['cycles_per_frame']:,}", "seed 1", "failed", "21.9 ns, 46 MHz")
    for text in (*figures, "1.5 minutes, peak 1.50 GiB"):
        assert text in page, text
    for engine in whole["plan"]["engines"]:
        assert f"{engine['name']} ({engine['lanes']})" in page
    assert 'class="off">-50%' in page, "half of what was needed was expected"


def test_page_shows_every_node_of_the_plan() -> None:
    whole = report()
    rows = re.findall(r"<tr><td>([^<]*)</td>", bitstream_page(whole))
    names = [node["name"] for node in whole["nodes"]]
    assert rows[-len(names) - 1 :] == [*names, "total"]


def test_page_shows_what_a_host_sees_and_what_place_and_route_counts() -> None:
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>.*?</tr>", bitstream_page(report()))]
    assert ["UART, 3 Mbaud", "1.97", "bytes on the wire", "512 ms", "543 ms"] in rows
    assert ["USB full speed, in another build", "7.34", "round trips", "512 ms", "543 ms"] in rows
    assert ["LUTs, carry chains, distributed RAM (TRELLIS_COMB)", "12,221", "24,288", "50%", "11,487"] in rows
    assert ["flip-flops (TRELLIS_FF)", "7,760", "24,288", "32%", ""] in rows


def test_page_shows_the_paths_between_the_clocks_of_fast_lanes() -> None:
    assert "fast lanes" not in bitstream_page(report())
    page = bitstream_page({**report(), "crossings": [{"source": "sync", "destination": "fast", "ns": 3.1, "fmax_mhz": 135.135}]})
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>.*?</tr>", page)]
    assert ["sync to fast", "3.10 ns", "40.0 MHz", "135.1 MHz"] in rows


@pytest.mark.parametrize("left_out", ["seeds", "critical_path", "slowest_ns", "steps", "host", "placed"])
def test_page_omits_what_the_report_lacks(left_out: str) -> None:
    whole = report()
    del whole[left_out]
    assert drawings(bitstream_page(whole))


@given(st.lists(st.tuples(st.text(max_size=30).filter(str.isprintable), st.floats(0, 1e12)), max_size=8), st.floats(0, 1e12))
def test_bars_stay_inside_the_drawing(rows: list[tuple[str, float]], line: float) -> None:
    drawing = bar_chart([Bar(name, [(value, "busy")], "x", tick=value) for name, value in rows], title="t", line=(line, "l"))
    svg = ElementTree.fromstring(drawing)
    for rect in svg.iter("rect"):
        left, wide = (float(rect.attrib[name].removesuffix("%")) for name in ("x", "width"))
        assert 0 <= left <= left + wide <= 100.02  # per cent with two digits
        assert float(rect.attrib["y"]) + float(rect.attrib["height"]) < float(svg.attrib["height"])


@given(st.lists(st.tuples(st.floats(0.6, 1e5), st.floats(0.0, 1.0)), max_size=20))
def test_roofline_keeps_its_points_inside(points: list[tuple[float, float]]) -> None:
    drawing = roofline_chart([RooflinePoint(f"p{x}", x, y) for x, y in points], title="t", x_label="x", y_label="y", slope="s", flat="f")
    svg = ElementTree.fromstring(drawing)
    wide, high = (float(size) for size in svg.attrib["viewBox"].split()[2:])
    marks = list(svg.iter("circle"))
    assert len(marks) == len(points)
    assert all(0 <= float(mark.attrib["cx"]) <= wide and 0 <= float(mark.attrib["cy"]) <= high for mark in marks)
