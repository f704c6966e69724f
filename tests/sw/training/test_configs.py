# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Training configurations: their ranges, and the form in which they are hashed into checkpoints (without PyTorch)."""

import json

import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.training.distillation import DistillationConfig
from firebrick.sw.training.supervised import TrainingConfig


def test_checkpoint_key_of_a_distillation_keeps_its_form() -> None:
    key = DistillationConfig(5, 3, 1e-3, 0.4, 0.2, True).as_checkpoint_key()
    assert json.dumps(key) == '{"steps": 5, "seed": 3, "rate": 0.001, "maps": 0.4, "labels": 0.2, "dense": true}'


def test_checkpoint_key_of_a_training_keeps_its_form() -> None:
    expected = '{"steps": 7, "batch": 512, "rate": 0.04, "momentum": 0.9, "decay": 0.0002, "dropout": 0.5, "mirror": true, "seed": 3}'
    assert json.dumps(TrainingConfig(7, seed=3).as_checkpoint_key()) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"batch_size": 0}, "batch must be at least 1, not 0"),
        ({"learning_rate": 0.0}, "rate must be above 0"),
        ({"momentum": 1.0}, "momentum must be 0 or above and below 1"),
        ({"weight_decay": -0.1}, "decay must be 0 or above and below 1"),
        ({"dropout": 1.0}, "dropout must be 0 or above and below 1"),
    ],
)
def test_training_config_rejects_numbers_out_of_range(changes: dict[str, float], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        TrainingConfig(**{"steps": 1, **changes}).verify()  # type: ignore[arg-type]
