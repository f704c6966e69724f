# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The output that pages show is what the commands print now, but for measured times; and no page has output that no command wrote."""

import re
import runpy

import pytest

from tests.helpers.paths import ROOT

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "sample_output.py"))
SAMPLES = [(page.name, command, output) for page in SCRIPT["pages"]() for command, output in SCRIPT["samples"](page.read_text())]


@pytest.mark.parametrize(("page", "command", "output"), SAMPLES, ids=[f"{page}: {command}" for page, command, _ in SAMPLES])
def test_sample_is_what_the_command_prints(page: str, command: str, output: str) -> None:
    unmeasured = SCRIPT["unmeasured"]
    assert unmeasured(SCRIPT["run"](command)) == unmeasured(output), f"run scripts/sample_output.py to renew {page}"


def test_every_block_with_a_prompt_is_a_sample() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        prompts = re.findall(r"^```\n\$ (.*)", page.read_text(), re.MULTILINE)
        assert prompts == [command for command, _ in SCRIPT["samples"](page.read_text())], page.name


def test_samples_are_renewed_unless_only_times_differ() -> None:
    shown = ("$ x 1\n     0     131.5 ms  9\n", "$ y\nold\n")
    page = "\nb\n".join(f"<!-- sample -->\n```\n{sample}```\n<!-- /sample -->\n" for sample in shown)
    outputs = {"x 1": "     0    1131.9 ms  9\n", "y": "new\nlines\n"}
    assert SCRIPT["refreshed"](page, outputs.get) == page.replace("old", "new\nlines")
