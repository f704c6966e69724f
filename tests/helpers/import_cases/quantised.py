# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Quantised files: as onnxruntime's quantisers write them, and QONNX as Brevitas writes it."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from tests.helpers.import_cases.case import Build, ImportCase, edited, torch_images
from tests.helpers.import_cases.graphs import Array, GraphEditor
from tests.helpers.onnx_files import FileStyle

BRIEF = "give the file as it was before onnxruntime optimised it"
QDQ = "quantise in QDQ format (onnxruntime: quantize_static with quant_format=QuantFormat.QDQ), or give the float file"


def _through_files(model: ModelProto, convert: Callable[[Path, Path], object]) -> ModelProto:
    """What a tool makes of a file."""
    with tempfile.TemporaryDirectory() as name:
        before, after = Path(name) / "before.onnx", Path(name) / "after.onnx"
        before.write_bytes(model.SerializeToString())
        convert(before, after)
        written: ModelProto = ModelProto.FromString(after.read_bytes())
        return written


def _static(**options: Any) -> Build:
    """By onnxruntime's quantize_static, calibrated with random images."""

    def build(rng: np.random.Generator) -> ModelProto:
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

        class Reader(CalibrationDataReader):  # type: ignore[misc]
            def __init__(self) -> None:
                self.images = iter(torch_images(rng.integers(0, 256, (64, 3, 19, 23), dtype=np.uint8)))

            def get_next(self) -> dict[str, NDArray[Any]] | None:
                image = next(self.images, None)
                return None if image is None else {"image": image[None]}

        types = {
            "activation_type": QuantType[options.get("activations", "QUInt8")],
            "weight_type": QuantType[options.get("weights", "QInt8")],
        }
        quant_format = QuantFormat[options.get("quant_format", "QDQ")]
        per_channel = options.get("per_channel", False)
        editor = GraphEditor(rng, FileStyle(opset=options.get("opset", 17)), filters=8)
        return _through_files(
            editor.model, lambda before, after: quantize_static(before, after, Reader(), quant_format, per_channel=per_channel, **types)
        )

    return build


def _dynamic(rng: np.random.Generator) -> ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    return _through_files(
        GraphEditor(rng).model,
        lambda before, after: quantize_dynamic(before, after, weight_type=QuantType.QUInt8, op_types_to_quantize=["Conv"]),
    )


def _optimised(level: str) -> Build:
    def build(rng: np.random.Generator) -> ModelProto:
        import onnxruntime

        def convert(before: Path, after: Path) -> None:
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
            options.optimized_model_filepath = str(after)
            options.log_severity_level = 3
            onnxruntime.InferenceSession(str(before), options, providers=["CPUExecutionProvider"])

        return _through_files(GraphEditor(rng, kernel=3, stride=1, filters=16).model, convert)

    return build


def _blocks(editor: GraphEditor, array: Array) -> str:
    """4-bit integers with a scale for each block of 2 input channels."""
    count = -(-array.shape[1] // 2)
    scale = editor.uniform(0.05, 0.1, (len(array), count, *array.shape[2:]))
    steps = np.clip(np.rint(array / scale.repeat(2, 1)[:, : array.shape[1]]), -8, 7)
    tensor = helper.make_tensor(f"packed.{editor.count}", TensorProto.INT4, array.shape, steps.astype(int).reshape(-1).tolist())
    editor.model.graph.initializer.append(tensor)
    return editor.add("DequantizeLinear", [tensor.name, editor.constant(scale)], axis=1, block_size=2)


def _four_bits(domain: str) -> Callable[[GraphEditor, Array], str]:
    def change(editor: GraphEditor, array: Array) -> str:
        scale = (np.abs(array).max(axis=(1, 2, 3)) / 7 + 1e-6).astype(np.float32)
        steps = np.clip(np.rint(array / scale[:, None, None, None]), -8, 7).astype(int)
        zeros = helper.make_tensor(f"zeros.{editor.count}", TensorProto.INT4, [len(array)], [0] * len(array))
        tensor = helper.make_tensor(f"packed.{editor.count}", TensorProto.INT4, array.shape, steps.reshape(-1).tolist())
        editor.model.graph.initializer.extend([tensor, zeros])
        if domain and domain not in {entry.domain for entry in editor.model.opset_import}:
            editor.domain(domain)
        return editor.add("DequantizeLinear", [tensor.name, editor.constant(scale), zeros.name], axis=0, domain=domain)

    return change


def quant(editor: GraphEditor, source: str, scale: Any, bits: int, *, domain: str = "qonnx.custom_op.general", **attributes: Any) -> str:
    """QONNX's Quant."""
    if domain not in {entry.domain for entry in editor.model.opset_import}:
        editor.domain(domain)
    settings: dict[str, Any] = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
    numbers = [editor.constant(np.asarray(number, np.float32)) for number in (scale, 0, bits)]
    return editor.add("Quant", [source, *numbers], domain=domain, **settings)


def _quant_weights(bits: int, per_channel: bool, **attributes: Any) -> Callable[[GraphEditor], None]:
    def change(editor: GraphEditor, array: Array) -> str:
        largest = np.abs(array).max(axis=(1, 2, 3), keepdims=True) if per_channel else np.abs(array).max()
        return quant(editor, editor.constant(array), largest / ((1 << bits - 1) - 0.5), bits, **attributes)

    return lambda editor: editor.weights(lambda array: change(editor, array))


def _bipolar(editor: GraphEditor) -> None:
    editor.domain("qonnx.custom_op.general")
    editor.weights(
        lambda array: editor.add(
            "BipolarQuant", [editor.constant(array), editor.constant(np.float32(np.abs(array).mean()))], domain="qonnx.custom_op.general"
        )
    )


def _quant_everything(bits: int, **attributes: Any) -> Callable[[GraphEditor], None]:
    """Weights, and activations behind each ReLU, unsigned, their scales from what the network computes."""

    def change(editor: GraphEditor) -> None:
        from tests.helpers.import_cases.ranges import largest_values

        images = torch_images(editor.rng.integers(0, 256, (64, 3, 19, 23), dtype=np.uint8))
        relus = [node.output[0] for node in editor.nodes("Relu")]
        largest = largest_values(editor.model, images, relus)
        _quant_weights(8, True)(editor)
        for name in relus:
            scale = np.float32(largest[name] / ((1 << bits) - 1))
            editor.behind(name, lambda source, scale=scale: quant(editor, source, scale, bits, signed=0, **attributes))  # type: ignore[misc]

    return change


def _truncated(editor: GraphEditor) -> None:
    editor.domain("qonnx.custom_op.general")
    numbers = [editor.constant(np.array(number, np.float32)) for number in (0.1, 0, 8, 4)]
    editor.at_the_end(lambda source: editor.add("Trunc", [source, *numbers], domain="qonnx.custom_op.general"))


def _unsigned_relu(editor: GraphEditor) -> None:
    """No ReLU but that of unsigned integers."""
    for node in editor.nodes("Relu"):
        source = node.input[0]
        editor.model.graph.node.remove(node)
        editor.redirect(node.output[0], quant(editor, source, np.float32(1 / 64), 16, signed=0), list(editor.model.graph.node))


def _without_zero_point(editor: GraphEditor) -> None:
    """QuantizeLinear with clamping to 4 bits between it and DequantizeLinear, as Brevitas' QCDQ export has it."""
    for node in editor.nodes("Relu"):
        parameters = [editor.constant(np.float32(1 / 4)), editor.constant(np.uint8(0))]

        def change(source: str, parameters: list[str] = parameters) -> str:
            integers = editor.add("QuantizeLinear", [source, *parameters])
            bounds = [editor.constant(np.uint8(number)) for number in (0, 15)]
            return editor.add("DequantizeLinear", [editor.add("Clip", [integers, *bounds]), *parameters])

        editor.behind(node.output[0], change)


def _clipped_weights(editor: GraphEditor, array: Array) -> str:
    """Float weights that the graph itself quantises to 4 bits, in Brevitas' QCDQ export."""
    parameters = [
        editor.constant((np.abs(array).max(axis=(1, 2, 3)) / 7 + 1e-6).astype(np.float32)),
        editor.constant(np.zeros(len(array), np.int8)),
    ]
    integers = editor.add("QuantizeLinear", [editor.constant(array), *parameters], axis=0)
    clipped = editor.add("Clip", [integers, *(editor.constant(np.int8(number)) for number in (-7, 7))])
    return editor.add("DequantizeLinear", [clipped, *parameters], axis=0)


def codes_beside(editor: GraphEditor, array: Array) -> str:
    """Weights as indices into a codebook."""
    book = np.unique(np.round(array, 1)).astype(np.float32)
    codes = np.abs(array[..., None] - book).argmin(-1)
    return editor.add("Gather", [editor.constant(book), editor.constant(codes)])


def _weights(change: Callable[[GraphEditor, Array], str], **overrides: Any) -> Build:
    return edited(lambda editor: editor.weights(lambda array: change(editor, array)), **overrides)


ONNXRUNTIME = (
    ImportCase("QDQ, 8 bits, one scale a tensor", _static(), tolerance=0.06),
    ImportCase("QDQ, 8 bits, one scale a filter, signed activations", _static(per_channel=True, activations="QInt8"), tolerance=0.06),
    ImportCase("QDQ, 16-bit activations", _static(activations="QUInt16", opset=21), tolerance=0.02),
    ImportCase("QDQ, 4-bit weights", _static(weights="QInt4", opset=21), tolerance=0.06),
    ImportCase("QOperator (`QLinearConv` and the like), unsigned", _static(quant_format="QOperator"), tolerance=0.06),
    ImportCase(
        "QOperator, signed, one scale a filter",
        _static(quant_format="QOperator", activations="QInt8", per_channel=True),
        tolerance=0.06,
    ),
    ImportCase("4-bit weights, ONNX's `DequantizeLinear`", _weights(_four_bits(""), style=FileStyle(opset=21))),
    ImportCase("4-bit weights, onnxruntime's `com.microsoft.DequantizeLinear`", _weights(_four_bits("com.microsoft"))),
    ImportCase("4-bit weights with a scale for each block", _weights(_blocks, style=FileStyle(opset=21))),
    ImportCase("weights as indices into a codebook (`Gather`), which is kept", _weights(codes_beside)),
    ImportCase("weights quantised and clipped to 4 bits in the graph (Brevitas' QCDQ)", _weights(_clipped_weights)),
    ImportCase(
        "activations clipped to 4 bits (QCDQ)", edited(_without_zero_point), tolerance=np.inf, changed="4 quantisers of 4 bits are left out"
    ),
    ImportCase("saved by onnxruntime with extended optimisation (`FusedConv`)", _optimised("ORT_ENABLE_EXTENDED")),
    ImportCase(
        "saved by onnxruntime with all optimisations (its own layout)",
        _optimised("ORT_ENABLE_ALL"),
        f"is an operator that only onnxruntime has; {BRIEF}",
    ),
    ImportCase("quantize_dynamic (`DynamicQuantizeLinear`, `ConvInteger`)", _dynamic, f"is of dynamic quantisation; {QDQ}"),
)
QONNX = (
    ImportCase("`Quant` of weights, 8 bits, one scale a tensor", edited(_quant_weights(8, False)), oracle="qonnx"),
    ImportCase("`Quant` of weights, 4 bits, narrow, one scale a filter", edited(_quant_weights(4, True, narrow=1)), oracle="qonnx"),
    ImportCase("`Quant` of weights, 3 bits, rounded down (FLOOR)", edited(_quant_weights(3, True, rounding_mode="FLOOR")), oracle="qonnx"),
    ImportCase("`Quant` of Brevitas' old domain `onnx.brevitas`", edited(_quant_weights(5, True, domain="onnx.brevitas")), oracle="qonnx"),
    ImportCase("`BipolarQuant` of weights", edited(_bipolar), oracle="qonnx"),
    ImportCase("`Quant` of activations, 8 bits", edited(_quant_everything(8)), oracle="qonnx", tolerance=0.03),
    ImportCase("`Quant` to unsigned integers in place of `Relu`", edited(_unsigned_relu), oracle="qonnx", tolerance=0.03),
    ImportCase(
        "`Quant` of activations, 4 bits",
        edited(_quant_everything(4)),
        oracle="qonnx",
        tolerance=0.3,
        changed="quantisers of 4 bits are left out; activations have 8 bits",
    ),
    ImportCase(
        "`Quant` of activations, rounded down",
        edited(_quant_everything(8, rounding_mode="FLOOR")),
        oracle="qonnx",
        tolerance=0.05,
        changed="quantisers that round with FLOOR are left out",
    ),
    ImportCase("`Trunc`, `FloatQuant`, FINN's `MultiThreshold`", edited(_truncated), "of QONNX, Quant is, and BipolarQuant of weights"),
)
