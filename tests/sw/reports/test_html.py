# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The templates of the HTML pages escape text and mark code."""

import pytest
from jinja2 import UndefinedError

from firebrick.sw.reports.html import render
from firebrick.sw.reports.paper.section import Section


def test_render_escapes_all_text_and_marks_what_is_between_backticks_as_code() -> None:
    section = Section("k", "<b>", ("a & b",), (("<i>",),), ("`x < y` is code",))
    page = render("paper.html.j2", title="t", introduction="<u> `z`", sections=[section])
    for text in (
        "&lt;b&gt;</h2>",
        "<th>a &amp; b</th>",
        "<td>&lt;i&gt;</td>",
        "<p><code>x &lt; y</code> is code</p>",
        "&lt;u&gt; <code>z</code>",
    ):
        assert text in page


def test_render_rejects_a_missing_variable() -> None:
    with pytest.raises(UndefinedError, match="sections"):
        render("paper.html.j2", title="t", introduction="")
