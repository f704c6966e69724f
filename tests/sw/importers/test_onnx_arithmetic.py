# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Scales, shifts, ReLUs, transposes and pads at random places of a graph: refused, or the scores are those of onnxruntime."""

import random
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

from firebrick.sw.errors import FirebrickError
from firebrick.sw.golden import floating
from firebrick.sw.importers.normalisation import Normalisation
from firebrick.sw.importers.onnx.importer import onnx_model
from firebrick.sw.network.graph import Bypass
from tests.helpers.import_cases.folded import batch_norm
from tests.helpers.import_cases.graphs import GraphEditor
from tests.helpers.onnx_files import run_onnxruntime

BYTES = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
PLACES = ("Conv", "Relu", "MaxPool", "Concat", "Add", "GlobalAveragePool", "Flatten")


def insert_at_random(editor: GraphEditor, draw: random.Random) -> None:
    """Put one operator behind a random one, or behind the image."""
    tensor = draw.choice([*(node.output[0] for place in PLACES for node in editor.nodes(place)), "image"])
    channels = editor.channels()[tensor]
    low, high = draw.choice([(0.3, 2), (-2, 2), (-2, -0.5)])

    def constant() -> str:
        return editor.constant(editor.uniform(low, high, draw.choice([(channels, 1, 1), (1, channels, 1, 1), (1,), ()])))

    def transposed(source: str) -> str:
        last = editor.add(draw.choice(["Relu", "Identity"]), [editor.add("Transpose", [source], perm=[0, 2, 3, 1])])
        return editor.add("Transpose", [last], perm=draw.choice([[0, 3, 1, 2], [0, 3, 2, 1]]))

    pads = draw.choice([[0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 1, 1]])
    changes: list[Callable[[str], str]] = [
        lambda source: editor.add("Mul", [source, constant()]),
        lambda source: editor.add("Add", [constant(), source]),
        lambda source: editor.add("Sub", draw.sample([source, constant()], 2)),
        lambda source: editor.add("Div", [source, constant()]),
        lambda source: batch_norm(editor, source, channels, draw.choice([0.3, -1.0])),
        lambda source: editor.add("Relu", [source]),
        lambda source: editor.add("Pad", [source, editor.constant(np.array(pads))]),
        transposed,
    ]
    editor.behind(tensor, draw.choice(changes))


@pytest.mark.parametrize("seed", range(3))
def test_onnx_arithmetic_anywhere_is_rejected_or_scores_as_onnxruntime(seed: int) -> None:
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    imported = 0
    for _ in range(80):
        editor = GraphEditor(rng, pools=draw.random() < 0.7, bypass=draw.choice(list(Bypass)), stride=1, height=11, width=12)
        insert_at_random(editor, draw)
        with suppress(KeyError):  # shape inference gives up on files that no exporter writes
            insert_at_random(editor, draw)
        with suppress(FirebrickError):
            model = onnx_model(editor.model.SerializeToString(), "it.onnx", BYTES)
            frames = rng.integers(0, 256, (2, 3, 11, 12), dtype=np.uint8)
            try:
                expected = run_onnxruntime(editor.model, frames.astype(np.float32))
            except Exception:  # onnxruntime rejects many of these, too
                continue
            if "changed" not in model.metadata:
                np.testing.assert_allclose(floating.run(model, frames), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max() + 1e-5)
                imported += 1
    assert imported > 15
