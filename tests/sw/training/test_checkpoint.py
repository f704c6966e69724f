# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checkpoints: what was saved is restored, and a damaged file is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from firebrick.sw.errors import FirebrickError  # noqa: E402
from firebrick.sw.training.checkpoint import Checkpoint  # noqa: E402
from tests.helpers.damage import cut, emptied, flipped  # noqa: E402


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    checkpoint = Checkpoint(tmp_path / "checkpoint", "task")
    checkpoint.save(3, weights=torch.arange(1000.0))
    return checkpoint


def restored(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = []
    checkpoint.resume(states.append)
    return states


def test_checkpoint_is_restored_by_its_own_task_only(checkpoint: Checkpoint) -> None:
    [state] = restored(checkpoint)
    assert state["step"] == 3
    assert torch.equal(state["weights"], torch.arange(1000.0))
    assert restored(Checkpoint(checkpoint.path, "another task")) == []
    assert restored(Checkpoint(None, "task")) == []


@pytest.mark.parametrize("damage", [cut, emptied, flipped])
def test_damaged_checkpoint_is_refused(checkpoint: Checkpoint, damage: Callable[[Path], None]) -> None:
    assert checkpoint.path is not None
    damage(checkpoint.path)
    with pytest.raises(FirebrickError, match=r"checkpoint .* is damaged; delete it to train from the start"):
        restored(checkpoint)
