# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The sizes of Table 2 of the SqueezeNet paper (arXiv:1602.07360), computed from parameter counts; its accuracies are quoted."""

from ...network.graph import Network
from ...network.metaparameters import float_bytes, megabytes
from .section import Cell, Section
from .table2 import PAPER

_COLUMNS = (
    *("network", "compression", "bits", "MB, paper", "MB, ours", "bytes, ours", "bytes to the paper's", "times smaller (the paper's)"),
    *("top-1 % (the paper's)", "top-5 % (the paper's)"),
)
_NOTES = (
    "AlexNet's rows are quoted. Our sizes are those of SqueezeNet's 32-bit parameters, and of the weights that Table 1 keeps in the "
    "authors' released format: for each layer a codebook of 32-bit floats and 32-bit biases, and for each weight kept a code and a "
    "run length of 4 bits. A size below 1 MB is taken as thousands of K of `ls -lh`, units of 1024 bytes, rounded up to tens.",
    "8 bits: the authors' file has 675,763 bytes, 660K, which is 0.66 MB. It is larger than ours by the padding zeros of zero runs longer "
    "than 15, and smaller by a few weights (see Table 1).",
    "6 bits: a file of that format would be {excess:,} bytes too large for 0.47 MB. Deep Compression (arXiv:1510.00149) adds Huffman "
    "coding, which would make up for it. The paper does not say whether its figure includes that, and we know of no such file.",
    "`firebrick table2` measures sizes and accuracies of our compression on your images.",
)


def table2_sizes(network: Network, kept: int) -> Section:
    """Table 2 for SqueezeNet v1.0, of which pruning keeps the given number of weights."""
    rows: list[tuple[Cell, ...]] = []
    excess = 0
    for name, compression, bits, printed, ratio, top1, top5 in PAPER:
        computed: tuple[Cell, ...] = (None, None, None)
        if name == "SqueezeNet":
            dense = compression == "none"
            size = float_bytes(network) if dense else stored_bytes(network, kept, int(bits))
            shown = megabytes(size) if dense else _hundredths(size) / 100
            change = 0 if shown == printed else round(printed * 100) * 10 * 1024 - size
            excess = max(excess, -change)
            computed = (shown, size, change)
        rows.append((name, compression, bits, printed, *computed, ratio, top1, top5))
    return Section("table2", "Table 2: model compression", _COLUMNS, tuple(rows), tuple(note.format(excess=excess) for note in _NOTES))


def stored_bytes(network: Network, kept: int, bits: int) -> int:
    """Bytes of the authors' format for the weights kept, without Huffman coding and without padding zeros in long runs.

    For each layer a count and 2^bits centroids of 4 bytes each; a bias of 4 bytes per filter; a code of ``bits`` and a run length of 4 bits
    per weight.
    """
    layers = network.layers()
    biases = sum(layer.conv.filters for layer in layers)
    counts, codebooks = 4 * len(layers), 4 * len(layers) << bits
    return counts + codebooks + 4 * biases + -(-kept * bits // 8) + -(-kept // 2)


def _hundredths(size: int) -> int:
    """A size below 1 MB in hundredths of MB, as `ls -lh` shows it: tens of K (1024 bytes), rounded up."""
    return -(-size // (10 * 1024))
