# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What stands before the first convolution: shapes and types of the input, and the normalisation of images."""

from dataclasses import replace
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from firebrick.sw.importers import ImportOptions
from firebrick.sw.importers.normalisation import CAFFE, TORCH, Normalisation
from tests.helpers.import_cases.case import Floats, Frames, ImportCase, edited, normalised, torch_images
from tests.helpers.import_cases.graphs import GraphEditor, set_input

UNIT = Normalisation((0.0, 0.0, 0.0), (255.0, 255.0, 255.0), crop=TORCH.crop)
BYTES = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), crop=TORCH.crop)
HALF = Normalisation((127.5, 127.5, 127.5), (127.5, 127.5, 127.5), crop=TORCH.crop)
ROUNDED = "padding is a border of images, of colour (124, 116, 104); its zeros stand for the mean, which is up to 0.47 of 255 beside that"
BGR = Normalisation((123.68, 116.78, 103.94), (1.0, 1.0, 1.0), bgr=True, crop=TORCH.crop)


def raw(frames: Frames) -> Floats:
    """Bytes as floats."""
    return frames.astype(np.float32)


def unit(frames: Frames) -> Floats:
    """From 0 to 1."""
    return normalised(frames, UNIT)


def channels_last(frames: Frames) -> Floats:
    return np.asarray(np.ascontiguousarray(torch_images(frames).transpose(0, 2, 3, 1)))


def _triple(editor: GraphEditor, numbers: tuple[float, ...], side: float) -> str:
    return editor.constant((np.array(numbers) / side).astype(np.float32)[None, :, None, None])


def _normalise(editor: GraphEditor, source: str, normalisation: Normalisation = TORCH, side: float = 1.0) -> str:
    """``(source - mean) / std``, for a source that runs from 0 to 255 / side."""
    centred = editor.add("Sub", [source, _triple(editor, normalisation.mean[:: -1 if normalisation.bgr else 1], side)])
    return editor.add("Div", [centred, _triple(editor, normalisation.std, side)])


def _normalising(normalisation: Normalisation, side: float) -> ImportCase:
    feed = raw if side == 1 else unit
    return ImportCase("", edited(lambda e: e.behind("image", lambda source: _normalise(e, source, normalisation, side))), feed=feed)


def _scaled_first(editor: GraphEditor) -> None:
    def change(source: str) -> str:
        return _normalise(editor, editor.add("Mul", [source, editor.constant(np.float32(1 / 255))]), TORCH, 255)

    editor.behind("image", change)


def _bytes_in(editor: GraphEditor) -> None:
    set_input(editor.model, ["n", 3, 19, 23], TensorProto.UINT8)
    editor.behind("image", lambda source: _normalise(editor, editor.add("Cast", [source], to=TensorProto.FLOAT)))


def _plain_bytes_in(editor: GraphEditor) -> None:
    set_input(editor.model, ["n", 3, 19, 23], TensorProto.UINT8)
    editor.behind("image", lambda source: editor.add("Cast", [source], to=TensorProto.FLOAT))


def _last_to_first(editor: GraphEditor) -> None:
    set_input(editor.model, ["n", 19, 23, 3])
    editor.behind("image", lambda source: editor.add("Transpose", [source], perm=[0, 3, 1, 2]))


def _normalised_last_to_first(editor: GraphEditor) -> None:
    """Bytes, channels last, normalised before they are transposed."""
    set_input(editor.model, ["n", 19, 23, 3], TensorProto.UINT8)
    mean, std = (editor.constant(np.array(numbers, np.float32)) for numbers in (TORCH.mean, TORCH.std))

    def change(source: str) -> str:
        floats = editor.add("Cast", [source], to=TensorProto.FLOAT)
        return editor.add("Transpose", [editor.add("Div", [editor.add("Sub", [floats, mean]), std])], perm=[0, 3, 1, 2])

    editor.behind("image", change)


def _last_throughout(editor: GraphEditor) -> None:
    """As converters from TensorFlow write it: only convolutions and pools have channels first."""
    to_last, to_first = [0, 2, 3, 1], [0, 3, 1, 2]

    def mean(source: str) -> str:
        return editor.add("ReduceMean", [editor.add("Transpose", [source], perm=to_last)], axes=[1, 2], keepdims=0)

    def rectified(source: str) -> str:
        return editor.add("Transpose", [editor.add("Relu", [editor.add("Transpose", [source], perm=to_last)])], perm=to_first)

    editor.replace_end("GlobalAveragePool", mean)
    for node in [*editor.nodes("Conv"), *editor.nodes("MaxPool")]:
        editor.behind(node.output[0], rectified)
    joined = editor.nodes("Concat")[0]
    halves = [editor.add("Transpose", [half], perm=to_last) for half in joined.input]
    whole = editor.add("Transpose", [editor.add("Concat", halves, axis=3)], perm=to_first)
    editor.redirect(joined.output[0], whole, list(editor.model.graph.node))
    _last_to_first(editor)


def _half(editor: GraphEditor) -> None:
    editor.behind("image", lambda source: editor.add("Cast", [editor.add("Cast", [source], to=TensorProto.FLOAT16)], to=TensorProto.FLOAT))


def _open(*sides: int | str) -> ImportCase:
    options = ImportOptions(size=(19, 23)) if sides[2] in (0, -1, "h") else ImportOptions()
    return ImportCase("", edited(lambda editor: set_input(editor.model, list(sides))), options=options)


def _pad(editor: GraphEditor, value: float = 0.0, sides: tuple[int, int, int, int] = (1, 1, 1, 1), **attributes: Any) -> None:
    top, left, bottom, right = sides
    pads = np.array([0, 0, top, left, 0, 0, bottom, right])
    editor.behind(
        "image", lambda source: editor.add("Pad", [source, editor.constant(pads), editor.constant(np.float32(value))], **attributes)
    )


def _plain(_editor: GraphEditor) -> None:
    """No change."""


def _normalised_inside(editor: GraphEditor) -> None:
    editor.behind("image", lambda source: _normalise(editor, source))


def _same_upper(editor: GraphEditor) -> None:
    first = editor.nodes("Conv")[0]
    kept = [attribute for attribute in first.attribute if attribute.name != "pads"]
    del first.attribute[:]
    first.attribute.extend([*kept, helper.make_attribute("auto_pad", "SAME_UPPER")])


def _pad_before_pool(editor: GraphEditor) -> None:
    """Keras' zero padding before a pool, where it makes the pool round up."""
    for node in editor.nodes("MaxPool"):
        kept = [attribute for attribute in node.attribute if attribute.name != "ceil_mode"]
        del node.attribute[:]
        node.attribute.extend(kept)
        node.input[0] = editor.add("Pad", [node.input[0], editor.constant(np.array([0, 0, 0, 0, 0, 0, 1, 0]))])


def _pad_raw(editor: GraphEditor) -> None:
    def change(source: str) -> str:
        padded = editor.add("Pad", [source, editor.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1]))])
        return _normalise(editor, padded)

    editor.behind("image", change)


def _unclear(editor: GraphEditor) -> None:
    editor.behind("image", lambda source: editor.add("Mul", [source, editor.constant(np.float32(2))]))


def _crop(editor: GraphEditor) -> None:
    editor.behind("image", lambda source: editor.add("Pad", [source, editor.constant(np.array([0, 0, -1, -1, 0, 0, -1, -1]))]))


CASES = (
    ImportCase("channels last (NHWC), and `Transpose`", edited(_last_to_first), feed=channels_last),
    ImportCase(
        "channels last up to the average, with `Transpose` around convolutions and pools", edited(_last_throughout), feed=channels_last
    ),
    replace(_normalising(TORCH, 1.0), what="`Sub` and `Div` of mean and standard deviation, for 0 to 255"),
    replace(_normalising(TORCH, 255.0), what="the same for 0 to 1"),
    replace(_normalising(HALF, 1.0), what="`x / 127.5 - 1` for 0 to 255", normalisation=HALF),
    replace(
        _normalising(BGR, 1.0), what="ImageNet's mean in the order B, G, R", normalisation=BGR, feed=lambda frames: raw(frames)[:, ::-1]
    ),
    ImportCase("`Mul` by 1/255, then mean and standard deviation", edited(_scaled_first), feed=raw),
    ImportCase("bytes (uint8), `Cast`, `Sub`, `Div`", edited(_bytes_in), feed=np.asarray),
    ImportCase("bytes (uint8) without a normalisation", edited(_plain_bytes_in), feed=np.asarray, normalisation=BYTES),
    ImportCase(
        "bytes, channels last, normalised and transposed",
        edited(_normalised_last_to_first),
        feed=lambda frames: np.ascontiguousarray(frames.transpose(0, 2, 3, 1)),
    ),
    ImportCase("`Cast` to float16 and back", edited(_half), tolerance=2e-3),
    ImportCase("`Pad` with zeros before the first convolution", edited(_pad), border=(1, 1, 1, 1), changed=ROUNDED),
    ImportCase(
        "a first convolution that is padded, and torchvision's mean", edited(_plain, padding=1), border=(1, 1, 1, 1), changed=ROUNDED
    ),
    ImportCase(
        "the same and Caffe's mean, whose numbers are integers",
        edited(_plain, padding=1),
        options=ImportOptions(CAFFE),
        feed=lambda frames: normalised(frames, CAFFE),
        normalisation=CAFFE,
        border=(1, 1, 1, 1),
    ),
    ImportCase(
        "the same and a mean of 0, where zeros are black pixels",
        edited(_plain, padding=1),
        options=ImportOptions(UNIT),
        feed=unit,
        normalisation=UNIT,
    ),
    ImportCase(
        "a first convolution that is padded behind its normalisation",
        edited(_normalised_inside, padding=1),
        feed=raw,
        border=(1, 1, 1, 1),
        changed=ROUNDED,
    ),
    ImportCase(
        "a first convolution with `SAME_UPPER`, which pads even sides at the end (TensorFlow)",
        edited(_same_upper, height=18, width=23),
        border=(0, 1, 1, 1),
        changed=ROUNDED,
    ),
    ImportCase(
        "the same and a mean of 0",
        edited(_same_upper, height=18, width=23),
        options=ImportOptions(UNIT),
        feed=unit,
        normalisation=UNIT,
        border=(0, 1, 1, 1),
    ),
    ImportCase(
        "a first convolution that is padded by its kernel or more",
        edited(lambda editor: _pad(editor, 0.0, (0, 3, 1, 0))),
        "padding must be the same on all sides, not [0, 3, 1, 0]; of the first convolution, less than the kernel on each side",
    ),
    ImportCase("`Pad` with zeros behind a ReLU, before a pool", edited(_pad_before_pool, height=18, width=23, kernel=1, stride=1)),
    replace(_open(-1, 3, 19, 23), what="a number of images of -1"),
    replace(_open(0, 3, 19, 23), what="a number of images of 0"),
    replace(_open("n", 3, -1, -1), what="rows and columns of -1, with `--input`"),
    replace(_open("n", 3, 0, 0), what="rows and columns of 0, with `--input`"),
    replace(_open(-1, -1, -1, -1), what="all sides of -1, with `--input`"),
    replace(_open("n", 3, "h", "w"), what="rows and columns of a name, with `--input`"),
    replace(
        _open("n", 3, -1, -1),
        what="the same without `--input`",
        options=ImportOptions(),
        refused="leaves rows or columns open; give --input HxW",
    ),
    replace(
        _normalising(TORCH, 1.0),
        what="a normalisation inside, and another one with `--normalisation`, `--mean` or `--std`",
        options=ImportOptions(CAFFE),
        refused="the graph normalises its input itself, to bytes minus (123.675, 116.28, 103.53)",
    ),
    ImportCase(
        "a factor that does not tell whether the input runs from 0 to 1 or to 255", edited(_unclear), "say it with --mean 0,0,0 and --std"
    ),
    ImportCase(
        "the same with `--mean 0,0,0 --std 255,255,255`",
        edited(_unclear),
        options=ImportOptions(UNIT),
        feed=unit,
        normalisation=replace(UNIT, std=(127.5, 127.5, 127.5)),
    ),
    ImportCase(
        "`Pad` with another number",
        edited(lambda editor: _pad(editor, 0.5)),
        "must pad with zeros: only these become part of a convolution",
    ),
    ImportCase("`Pad` by reflection", edited(lambda editor: _pad(editor, mode="reflect")), "must pad with zeros"),
    ImportCase("`Pad` before the normalisation", edited(_pad_raw), "adds a number to the zeros of a Pad before it; put the Pad behind it"),
    ImportCase("`Pad` that cuts off", edited(_crop), "cuts maps off; only zeros around them are supported"),
)
