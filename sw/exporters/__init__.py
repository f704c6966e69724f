# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Networks to ONNX, as integers and as floats."""

from .onnx_float import write_float_onnx as write_float_onnx
from .onnx_integer import export_onnx as export_onnx
from .onnx_integer import write_onnx as write_onnx
