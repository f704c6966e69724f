# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cores of two tiny networks, with and without a last ReLU."""

from pathlib import Path

import pytest

from tests.helpers.cores import tiny_core


@pytest.fixture(scope="session", params=[False, True], ids=["unsigned", "signed"])
def core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a core; its path has a space."""
    return tiny_core(tmp_path_factory.mktemp("core") / "a core", signed=request.param)
