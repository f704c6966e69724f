# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The digest of a float network keeps its value, so that checkpoints and stored results of older releases stay valid."""

import hashlib

import numpy as np
import pytest

from firebrick.sw.compression.job import CompressionJob, _task_digest
from firebrick.sw.compression.rate_control import Budget
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.evaluation import result_store
from firebrick.sw.model.float_digest import float_digest
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape

NETWORK = Network("n", Shape(3, 5, 5), (Conv("conv1", 2, 3), GlobalAverage("end")))


def model() -> FloatModel:
    weights = np.arange(54, dtype=np.float32).reshape(2, 3, 3, 3)
    return FloatModel(NETWORK, {"conv1": weights}, {"conv1": np.array([1, -2], np.float32)}, Preprocessing(5, (1.0, 2.0, 3.0)), ("a", "b"))


def test_float_digest_hashes_the_context_and_then_each_layer() -> None:
    parameters = np.append(np.arange(54, dtype="<f4"), np.array([1, -2], "<f4")).tobytes()
    assert float_digest(model(), "context", 1, None).hexdigest() == hashlib.sha256(b"('context', 1, None)" + parameters).hexdigest()


def test_task_digest_of_a_compression_job_keeps_its_value() -> None:
    job = CompressionJob(CompressionSettings(5, 0.5, 2.0, 3.0, True), Budget(cycles=1000, lanes=8))
    assert _task_digest(model(), job) == "98cbb08c636594a7a80fa0c302ca2063335f95b9bbe410b83f7ef1a9c0f9272f"


def test_task_digest_of_stored_results_keeps_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_store, "VERSION", "1.0")
    digest = result_store.task_digest(model(), [], [1, -1], CompressionSettings(density=0.5))
    assert digest == "c669fe4932515425b4946e08502a1e7fceeb59bbfed5637b763431c0dfd7b99e"
