# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Table 2 of the SqueezeNet paper (arXiv:1602.07360), sizes and accuracies of compressed networks, with measured rows below it."""

from collections.abc import Mapping, Sequence
from typing import Any

from .section import Cell, Section

ALEXNET_MB = 240
"""AlexNet's size in the paper."""
PAPER: tuple[tuple[str, str, str, float, int, float, float], ...] = (
    ("AlexNet", "none", "32", 240, 1, 57.2, 80.3),
    ("AlexNet", "SVD", "32", 48, 5, 56.0, 79.4),
    ("AlexNet", "network pruning", "32", 27, 9, 57.2, 80.3),
    ("AlexNet", "Deep Compression", "5-8", 6.9, 35, 57.2, 80.3),
    ("SqueezeNet", "none", "32", 4.8, 50, 57.5, 80.3),
    ("SqueezeNet", "Deep Compression, 33% kept", "8", 0.66, 363, 57.5, 80.3),
    ("SqueezeNet", "Deep Compression, 33% kept", "6", 0.47, 510, 57.5, 80.3),
)
"""The paper's rows: network, compression, bits, MB, times smaller than AlexNet, top-1 and top-5 in per cent on ImageNet."""
_COLUMNS = (
    *("network", "compression", "bits", "MB", "bytes", "times smaller", "top-1 %", "top-5 %"),
    *("standard error of top-1", "agrees with float %", "standard error of it", "whose"),
)
_PAPERS = (
    "The paper's rows are quoted. MB are units of 2^20 bytes; times smaller is AlexNet's 240 MB divided by the size. The paper's "
    "accuracies are those on the 50,000 images of ImageNet's validation set, after retraining on its 1.2 million training images."
)
_OURS = (
    "The other rows are measured: complete files, all with Huffman coding, evaluated in the integer golden model (float32 rows in the "
    "float network, with the size of its parameters). They are evaluated on {count} held-out images, which were not used "
    "to calibrate any row made here. Standard errors, in points, are those of a fraction of that number of images. "
    "Only rows with the same held-out images can be compared."
)


def table2(measured: Sequence[Mapping[str, Any]]) -> Section:
    """The paper's rows and below them the measured ones, at least one: results of `evaluation.comparison`."""
    rows: list[tuple[Cell, ...]] = []
    for network, compression, bits, size, ratio, top1, top5 in PAPER:
        rows.append((network, compression, bits, size, None, ratio, top1, top5, None, None, None, "the paper's"))
    for entry in measured:
        size = round(entry["bytes"] / 2**20, 3)
        fractions = [entry[name] for name in ("top1", "top5", "top1_error", "agreement", "agreement_error")]
        cells = (entry["network"], entry["compression"], entry["bits"], size, entry["bytes"], round(ALEXNET_MB * 2**20 / entry["bytes"]))
        rows.append((*cells, *(None if fraction is None else round(100 * fraction, 2) for fraction in fractions), "measured"))
    notes = (_PAPERS, _OURS.format(count=measured[0]["pictures"]))
    return Section("table2", "Table 2: model compression", _COLUMNS, tuple(rows), notes)
