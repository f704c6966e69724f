# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where the tests build benches."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all benches, so that they share Verilator's runtime, also when tests run in several processes."""
    base = tmp_path_factory.getbasetemp()
    benches = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "benches"
    benches.mkdir(exist_ok=True)
    return benches
