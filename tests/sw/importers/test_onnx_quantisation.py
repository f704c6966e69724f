# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""QONNX's Quant against the function of the package qonnx, and parameters that make no sense."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")

from onnx import NodeProto

from firebrick.sw.errors import FirebrickError
from firebrick.sw.importers.onnx.graph import Node
from firebrick.sw.importers.onnx.quantisation import quant


def quant_node(operator: str = "Quant", **attributes: Any) -> Node:
    settings = {"signed": 1, "narrow": 0, "rounding_mode": b"ROUND"} | attributes
    return Node("the node", operator, ("x", "scale", "zero", "bits"), ("y",), settings, NodeProto())


@pytest.mark.parametrize("rounding", ["ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "round"])
@pytest.mark.parametrize("seed", range(6))
def test_quant_is_that_of_qonnx(rounding: str, seed: int) -> None:
    int_quant = pytest.importorskip("qonnx.custom_op.general.intquant", reason="needs the package qonnx").int_quant
    rng = np.random.default_rng([seed, len(rounding)])
    bits, signed, narrow = int(rng.integers(1 if seed else 2, 9)), int(rng.integers(2)), int(rng.integers(2))
    scale: Any = rng.uniform(0.1, 1, (4, 1, 1, 1)).astype(np.float32) if seed % 2 else np.float32(0.25)
    zero: Any = np.float32(rng.integers(-2, 3) if seed > 3 else 0)
    values = rng.standard_normal((4, 3, 3, 3)).astype(np.float32) * 2
    values[0] = np.rint(values[0] * 8) / 8  # ties
    node = quant_node(signed=signed, narrow=narrow, rounding_mode=rounding.encode())
    ours = quant(node, [scale, zero, np.asarray(bits)], values.shape).apply(values)
    theirs = int_quant(values, scale, zero, np.array(bits), signed, narrow, rounding)
    np.testing.assert_array_equal(ours, theirs.astype(np.float32))
    assert ours.dtype == np.float32


ONE = np.float32(1)


@pytest.mark.parametrize(
    ("node", "rest", "message"),
    [
        (quant_node(), [ONE, ONE], "must have a scale, a zero point and a bit width"),
        (quant_node(), [np.ones(7, np.float32), ONE, ONE], "must fit what is quantised"),
        (quant_node(), [ONE, ONE, np.float32(2.5)], "the bit width must be one whole number from 1 to 32"),
        (quant_node(), [ONE, ONE, np.float32(np.nan)], "the bit width must be one whole number from 1 to 32"),
        (quant_node(), [ONE, ONE, np.float32(1e9)], "the bit width must be one whole number from 1 to 32"),
        (quant_node(), [np.float32(0), ONE, ONE], "the scale must be positive"),
        (quant_node(), [ONE, np.float32(np.inf), ONE], "the zero point finite"),
        (quant_node(rounding_mode=b"SOMEHOW"), [ONE, ONE, ONE], "rounding_mode must be one of ROUND, HALF_EVEN"),
    ],
)
def test_quant_rejects(node: Node, rest: list[Any], message: str) -> None:
    with pytest.raises(FirebrickError, match=f"^the node: .*{message}"):
        quant(node, rest, (2, 3, 3, 3))
