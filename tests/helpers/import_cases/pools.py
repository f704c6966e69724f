# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pools of the networks that people train."""

from dataclasses import replace
from typing import Any

from onnx import helper

from tests.helpers.import_cases.case import ImportCase, edited
from tests.helpers.import_cases.graphs import GraphEditor


def _pools(kernel: int, refused: str = "", **attributes: Any) -> ImportCase:
    """All pools replaced; they read maps of 18x23 and about half that, so lengths are odd and even."""

    def change(editor: GraphEditor) -> None:
        for node in editor.nodes("MaxPool"):
            settings = {"kernel_shape": [kernel] * 2, "strides": [2, 2], **attributes}
            del node.attribute[:]
            node.attribute.extend(helper.make_attribute(name, value) for name, value in settings.items())

    return ImportCase("", edited(change, height=18, width=23, kernel=1, stride=1), refused)


CASES = (
    replace(_pools(3), what="3x3/2, rounded down: ceil mode off"),
    replace(_pools(3, pads=[0, 0, 0, 0], ceil_mode=1), what="3x3/2, rounded up: ceil mode on"),
    replace(_pools(2), what="2x2/2"),
    replace(_pools(2, ceil_mode=1), what="2x2/2, rounded up"),
    replace(_pools(3, pads=[1, 1, 1, 1]), what="3x3/2, padding 1"),
    replace(_pools(2, auto_pad="SAME_UPPER"), what="2x2/2, `SAME_UPPER`"),
    replace(
        _pools(3, "must come to the same as 3x3/2 or 3x3/2, rounded down or 3x3/2, padding 1", pads=[1, 1, 1, 1], ceil_mode=1),
        what="3x3/2, padding 1 and rounded up, where that adds a row or column",
    ),
    replace(
        _pools(3, "must come to the same as 3x3/2 or", auto_pad="SAME_UPPER"),
        what="3x3/2, `SAME_UPPER`, which pads an even side at the end and an odd one on both ends",
    ),
    replace(_pools(2, "must come to the same as 2x2/2 or", pads=[1, 1, 1, 1]), what="2x2/2, padding 1"),
    replace(_pools(3, "strides [1, 1] must be 3x3 and 2, or 2x2 and 2", strides=[1, 1]), what="another stride"),
    replace(_pools(5, "kernel [5, 5] and strides [2, 2] must be", pads=[2, 2, 2, 2]), what="another kernel"),
    replace(_pools(3, "must have no dilation", dilations=[2, 2]), what="a dilation"),
)
