# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fidelity metrics: counted on a network whose float scores are computed here, with labels placed at a known rank."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firebrick.sw import golden
from firebrick.sw.compression.compressor import Compressor
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.errors import FirebrickError
from firebrick.sw.evaluation.fidelity import FidelityEvaluator, standard_error
from firebrick.sw.golden import floating
from tests.helpers.float_models import float_model, frames_of
from tests.helpers.float_models import paths as paths


@pytest.fixture(scope="module")
def compressor(paths: list[Path]) -> Compressor:
    return Compressor(float_model(seed=1), paths[::2])


def test_metrics_count_labels_and_agreement_with_the_float_network(compressor: Compressor, paths: list[Path]) -> None:
    source, held_out = compressor.source, paths[1::2]
    float_scores = floating.run(source, frames_of(source, held_out))
    labels = [-1, *np.argsort(-float_scores, axis=1)[1:, 2]]  # one without a label; of the others, the third-ranked class is right
    evaluator = FidelityEvaluator(source, held_out, labels)
    own = evaluator.evaluate_float()
    assert (own.images, own.labelled, own.top1, own.top5, own.agreement) == (8, 7, 0.0, 1.0, 1.0)
    assert own.kl_divergence == pytest.approx(0, abs=1e-12)
    model = compressor.compress(CompressionSettings(4))
    metrics = evaluator.evaluate(model)
    scores = golden.run(model, frames_of(source, held_out))
    assert metrics.agreement == (scores.argmax(axis=1) == float_scores.argmax(axis=1)).mean()
    assert 0 < evaluator.evaluate(compressor.compress(CompressionSettings(8))).kl_divergence < metrics.kl_divergence
    assert metrics.agreement_error == standard_error(metrics.agreement, 8)
    assert standard_error(0.36, 100) == pytest.approx(0.048)


def test_metrics_without_labels_have_no_accuracy(compressor: Compressor, paths: list[Path]) -> None:
    metrics = FidelityEvaluator(compressor.source, paths[1::2]).evaluate(compressor.compress(CompressionSettings(4)))
    assert (metrics.labelled, metrics.top1, metrics.top5, metrics.top1_error) == (0, None, None, None)


def test_evaluator_rejects_a_model_of_another_network_and_missing_labels(compressor: Compressor, paths: list[Path]) -> None:
    model = compressor.compress(CompressionSettings(4))
    other = replace(model, preprocessing=replace(model.preprocessing, resize=50))
    with pytest.raises(FirebrickError, match="compare it with its own float network"):
        FidelityEvaluator(compressor.source, paths).evaluate(other)
    with pytest.raises(FirebrickError, match="labels must be 16, one per image, not 2"):
        FidelityEvaluator(compressor.source, paths, [0, 1])
