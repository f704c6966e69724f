# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What Firebrick reads and what it refuses: the cases of a test, and the rows of docs/imports.md."""

from tests.helpers.import_cases import endings, files, folded, inputs, pools, quantised, relus
from tests.helpers.import_cases.case import ImportCase

ONNX_CASES: dict[str, tuple[ImportCase, ...]] = {
    "Files": files.CASES,
    "Before the first convolution": inputs.CASES,
    "Constants": folded.CONSTANTS,
    "Scales and shifts of channels": folded.CHANNELS,
    "ReLUs": relus.CASES,
    "Pools": pools.CASES,
    "Behind the average": endings.CASES,
    "Quantised by onnxruntime": quantised.ONNXRUNTIME,
    "QONNX, as Brevitas exports it": quantised.QONNX,
}
"""Cases of ONNX files by section of the page."""
