# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The command line with the generated hardware, simulated by Verilator."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
def test_classify_gives_the_same_scores_in_both_backends(small_model: Path, images: list[Path], tmp_path: Path) -> None:
    def classify(backend: str) -> Any:
        command = [Path(sys.executable).with_name("firebrick"), "classify", "--json", "--scores", "--backend", backend, "--lanes", "30"]
        words = [str(word) for word in (*command, "--model", small_model, *images)]
        return json.loads(subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)

    expected, simulated = classify("golden"), classify("sim")
    assert [entry.pop("cycles") for entry in expected] == [None] * 3
    assert all(entry.pop("cycles") > 0 for entry in simulated)
    assert simulated == expected
