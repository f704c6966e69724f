# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Top-k classes and probabilities from integer scores."""

from pathlib import Path

import numpy as np
import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.golden.top_k import probabilities, top_k


def test_top_k_is_ordered_and_probabilities_sum_to_one(small_model: Path) -> None:
    model = read_fire(small_model)
    scores = np.random.default_rng(1).integers(0, 10**6, (5, model.network.classes))
    scores[0, :] = 17
    softmax = probabilities(model, scores)
    np.testing.assert_allclose(softmax.sum(axis=1), 1)
    np.testing.assert_allclose(softmax[0], 1 / model.network.classes)
    assert [entry["index"] for entry in top_k(model, scores[0], 3)] == [0, 1, 2]
    ranking = top_k(model, scores[1])
    assert ranking[0]["index"] == scores[1].argmax()
    assert ranking[0]["label"] == model.labels[ranking[0]["index"]]
    assert [entry["probability"] for entry in ranking] == sorted((entry["probability"] for entry in ranking), reverse=True)


def test_top_k_rejects_scores_of_another_network(small_model: Path) -> None:
    model = read_fire(small_model)
    with pytest.raises(FirebrickError, match="scores must be"):
        top_k(model, np.zeros(3, np.int64), 1)
    with pytest.raises(FirebrickError, match="scores must be"):
        probabilities(model, np.zeros(model.network.classes))  # type: ignore[arg-type]
    for k in (0, model.network.classes + 1):
        with pytest.raises(FirebrickError, match="needs the scores of one frame"):
            top_k(model, np.zeros(model.network.classes, np.int64), k)
