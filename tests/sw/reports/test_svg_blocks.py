# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
from xml.etree import ElementTree

import pytest

from firebrick.sw.reports.svg_blocks import Block, block_diagram

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("count", "columns"), [(1, 3), (3, 3), (4, 3), (7, 2)])
def test_block_diagram_has_a_box_for_each_block_an_arrow_between_two_and_stays_inside(count: int, columns: int) -> None:
    blocks = [Block(f"<{index}>", ("a & b",), f"below {index}", "conv") for index in range(count)]
    diagram = ElementTree.fromstring(block_diagram(blocks, title="t & u", entry="in <put>", columns=columns))
    texts = [element.text for element in diagram.iter(f"{SVG}text")]
    assert texts == ["in <put>", *(text for block in blocks for text in (block.title, *block.lines, block.below))]
    card, *boxes = diagram.iter(f"{SVG}rect")
    arrows = [path for path in diagram.iter(f"{SVG}path") if path.attrib["class"] == "arrow"]
    assert (len(boxes), len(arrows)) == (count, count - 1)
    for box in boxes:
        for start, size in (("x", "width"), ("y", "height")):
            assert 0 < float(box.attrib[start]) < float(box.attrib[start]) + float(box.attrib[size]) < float(card.attrib[size])
