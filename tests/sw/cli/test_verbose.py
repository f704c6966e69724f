# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The option -v: logging goes to stderr, and stdout is the same as without it."""

import json
import logging
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from firebrick.sw.cli.main import main
from firebrick.sw.utils.logging_setup import LOGGER, logging_to_stderr

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO) firebrick\.[\w.]+: .+")


def stream(*verbose: str, model: Path) -> Result:
    """`firebrick stream` of three frames of the test pattern, as JSON."""
    result = CliRunner().invoke(main, [*verbose, "stream", "--json", "--limit", "3", "--model", str(model), "pattern"])
    assert result.exit_code == 0, result.output
    return result


def levels(result: Result) -> list[str]:
    """The levels of the lines that were logged; the last line of stderr is the summary."""
    matches = [LINE.fullmatch(line) for line in result.stderr.splitlines()[:-1]]
    assert all(matches), result.stderr
    return [match[1] for match in matches if match]


def test_verbose_logs_to_stderr_and_leaves_the_json_on_stdout_alone(small_model: Path) -> None:
    quiet, info, debug = stream(model=small_model), stream("-v", model=small_model), stream("-vv", model=small_model)
    assert levels(quiet) == []
    assert set(levels(info)) == {"INFO"}
    assert levels(debug).count("DEBUG") >= 3, "one line per frame"
    for result in (info, debug):
        documents = [[json.loads(line) for line in text.splitlines()] for text in (quiet.stdout, result.stdout)]
        expected, logged = ([document.get("top5") for document in lines] for lines in documents)
        assert logged == expected
        assert len(logged) == 4


def test_logging_ends_with_its_context(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger(f"{LOGGER}.sw")
    with logging_to_stderr(1):
        logger.info("cached: %s", "design")
        logger.debug("too fine")
    logger.info("after the end")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.rpartition(f"{LOGGER}.sw: ")[2] for line in err.splitlines()] == ["cached: design"]
