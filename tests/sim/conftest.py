# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where the tests build benches."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from firebrick.sim import bench_runner


@pytest.fixture(scope="session")
def folder(shared_folder: Path) -> Iterator[Path]:
    """The folder of all benches, so that they share Verilator's runtime, also when tests run in several processes.

    They are compiled quickly: few simulate more than some thousand cycles.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_runner, "OPTIMISATION", "-O0")
        yield shared_folder / "benches"
