# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Ranges of the feature maps of an ONNX graph, to choose scales of quantisers."""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper


def largest_values(model: ModelProto, images: NDArray[np.floating], names: list[str]) -> dict[str, float]:
    """The largest value of each of these tensors."""
    import onnxruntime

    probed = ModelProto.FromString(model.SerializeToString())
    probed.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(probed.SerializeToString(), providers=["CPUExecutionProvider"])
    return {name: float(values.max()) for name, values in zip(names, session.run(names, {"image": images}), strict=True)}
