# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the block diagrams of docs/architecture.md and docs/engines.md into docs/images: `python scripts/drawings`."""

from pathlib import Path

from schematic import Arrow, Box, schematic

from firebrick.sw.utils.atomic_files import write_atomically

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def flow() -> str:
    """From a network to a bitstream, and what is compared."""
    return schematic(
        "From a pretrained network to a bitstream, and how each step is checked",
        [
            Box("source", 0, 0, "network\nONNX, Caffe,\nPyTorch, .net", "port"),
            Box("float", 1, 0, "FloatModel\nsw/importers", "pool"),
            Box("model", 2, 0, "Model\nsw/compression\n.fire file", "pool"),
            Box("plan", 3, 0, "Plan\nsw/compiler", "fire"),
            Box("verilog", 4, 0, "Verilog\nROM files\nhw/codegen", "conv"),
            Box("bitstream", 5, 0, "bitstream\nhw/build", "conv"),
            Box("golden", 2, 1, "golden model\nsw/golden", "pool"),
            Box("sim", 4, 1, "Verilator\nsim", "conv"),
            Box("verify", 5, 1, "read-back\nhw/verify", "conv"),
            Box("weights", 5, 1.8, "every weight equal\nto the Model's", "port"),
        ],
        [
            *(Arrow(a, b) for a, b in (("source", "float"), ("float", "model"), ("model", "plan"), ("plan", "verilog"))),
            Arrow("verilog", "bitstream"),
            Arrow("model", "golden"),
            Arrow("verilog", "sim"),
            Arrow("bitstream", "verify"),
            Arrow("sim", "golden", "equal scores, bit for bit"),
            Arrow("verify", "weights"),
        ],
    )


def weights() -> str:
    """ROM, Huffman decoders, weight decoder."""
    return schematic(
        "The weight path of an engine: ROM, two Huffman decoders, weight decoder",
        [
            Box("rom", 0, 0.5, "Rom\nblock RAM banks,\nlast one in LUTs", "pool"),
            Box("codes", 1, 0, "HuffmanDecoder\nof codes", "fire"),
            Box("runs", 1, 1, "HuffmanDecoder\nof zero runs", "fire"),
            Box("decoder", 2, 0.5, "WeightDecoder\nposition += run + 1\ncodebook", "fire"),
            Box("out", 3, 0.5, "entry: weight,\ngroup, tap, inner,\nfirst, last", "port"),
        ],
        [
            Arrow("rom", "codes"),
            Arrow("rom", "runs"),
            Arrow("codes", "decoder"),
            Arrow("runs", "decoder"),
            Arrow("decoder", "out"),
        ],
    )


def mac_array() -> str:
    """The lanes: multiply, accumulate, requantise."""
    return schematic(
        "The lanes of an engine: multiplier, accumulator, requantiser, output FIFO",
        [
            Box("pixels", 0, 0, "P pixels of\na tile", "port"),
            Box("weight", 0, 1, "one weight", "port"),
            Box("rotate", 1, 0, "rotate\nto the tap", "fire"),
            Box("multiply", 2, 0, "P multipliers\nDSP or LUTs", "conv"),
            Box("add", 3, 0, "add\nfirst: + bias", "conv"),
            Box("memory", 3, 1, "accumulators\none word a sum", "pool"),
            Box("shift", 4, 0, "last: shift,\nround, clamp\n0..255", "fire"),
            Box("fifo", 5, 0, "output FIFO\nof credits", "pool"),
            Box("issue", 5, 1, "issuing side", "port"),
        ],
        [
            Arrow("pixels", "rotate"),
            Arrow("rotate", "multiply"),
            Arrow("weight", "multiply", "to all lanes", "hv"),
            Arrow("multiply", "add"),
            Arrow("add", "memory"),
            Arrow("memory", "add"),
            Arrow("add", "shift"),
            Arrow("shift", "fifo"),
            Arrow("fifo", "issue", "credit"),
        ],
    )


def conv() -> str:
    """The output-stationary engine."""
    return schematic(
        "ConvEngine: line buffer, weight decoder, lanes",
        [
            Box("input", 0, 0, "beats of\npixels", "port"),
            Box("buffer", 1, 0, "LineBuffer\nkernel + stride\nrows", "pool"),
            Box("lanes", 2.2, 0, "MacArray\nP lanes", "conv"),
            Box("output", 3.2, 0, "rows of\nfilter after filter", "port"),
            Box("loops", 1, 1, "loops\nrow, filter,\nentry, tile", "fire"),
            Box("decoder", 2.2, 1, "WeightDecoder\nnon-zero weights\nof a filter", "fire"),
        ],
        [
            Arrow("input", "buffer"),
            Arrow("buffer", "lanes", "a word a cycle"),
            Arrow("lanes", "output"),
            Arrow("decoder", "lanes", "weight"),
            Arrow("decoder", "loops", "position"),
            Arrow("loops", "buffer", "address"),
        ],
    )


def squeeze() -> str:
    """The input-stationary engine."""
    return schematic(
        "SqueezeEngine: a few channels are buffered, and one accumulator for each filter and column",
        [
            Box("input", 0, 0, "channels,\none by one", "port"),
            Box("buffer", 1, 0, "LineBuffer\na few channels\nof a row", "pool"),
            Box("lanes", 2.2, 0, "MacArray\nP lanes, sums of\nall filters", "conv"),
            Box("output", 3.2, 0, "rows of\nfilter after filter", "port"),
            Box("decoder", 2.2, 1, "WeightDecoder\nfilters of a\nchannel", "fire"),
        ],
        [
            Arrow("input", "buffer"),
            Arrow("buffer", "lanes", "a word a cycle"),
            Arrow("decoder", "lanes", "weight"),
            Arrow("lanes", "output", "last"),
        ],
    )


def pool() -> str:
    """Max pooling and the global sum."""
    return schematic(
        "MaxPoolEngine and GlobalSum",
        [
            Box("input", 0, 0, "beats", "port"),
            Box("columns", 1, 0, "columns\nmax of 3 tiles", "pool"),
            Box("rows", 2, 0, "rows\nmax with the\nrow before", "pool"),
            Box("memory", 2, 1, "one row of\npartial maxima", "fire"),
            Box("output", 3, 0, "beats, half\nas many rows\nand columns", "port"),
            Box("input2", 0, 2, "beats", "port"),
            Box("lanes", 1, 2, "sum of lanes\nand tiles", "pool"),
            Box("sum", 2, 2, "sum of rows\nfrom -z x positions", "pool"),
            Box("memory2", 2, 3, "one partial sum\na channel", "fire"),
            Box("scores", 3, 2, "scores, with\nthe last row", "port"),
        ],
        [
            Arrow("input", "columns"),
            Arrow("columns", "rows"),
            Arrow("rows", "memory"),
            Arrow("memory", "rows"),
            Arrow("rows", "output"),
            Arrow("input2", "lanes"),
            Arrow("lanes", "sum"),
            Arrow("sum", "memory2"),
            Arrow("memory2", "sum"),
            Arrow("sum", "scores"),
        ],
    )


def partitions() -> str:
    """Filters distributed over several engines."""
    return schematic(
        "Partitions: the filters of a layer in three engines, two of which share a line buffer",
        [
            Box("input", 0, 1, "beats", "port"),
            Box("broadcast", 1, 1, "Broadcast", "pool"),
            Box("buffer", 2, 0.5, "LineBuffer\ntwo readers", "pool"),
            Box("buffer2", 2, 2, "LineBuffer", "pool"),
            Box("a", 3, 0, "ConvEngine 0\nfilters 0, 3, ...", "conv"),
            Box("b", 3, 1, "ConvEngine 1\nfilters 1, 4, ...", "conv"),
            Box("c", 3, 2, "ConvEngine 2\nfilters 2, 5, ...", "conv"),
            Box("join", 4, 1, "Interleaver\nround robin", "pool"),
            Box("output", 5, 1, "filters\nin turn", "port"),
        ],
        [
            Arrow("input", "broadcast"),
            Arrow("broadcast", "buffer"),
            Arrow("broadcast", "buffer2"),
            Arrow("buffer", "a"),
            Arrow("buffer", "b"),
            Arrow("buffer2", "c"),
            Arrow("a", "join"),
            Arrow("b", "join"),
            Arrow("c", "join"),
            Arrow("join", "output"),
        ],
    )


def bypass() -> str:
    """A Fire module with a complex bypass."""
    return schematic(
        "A Fire module with a complex bypass",
        [
            Box("input", 0, 0.5, "beats", "port"),
            Box("broadcast", 1, 0.5, "Broadcast", "pool"),
            Box("squeeze", 2, 0, "SqueezeEngine", "fire"),
            Box("expand", 4, 0, "ConvEngine\nexpand 1x1, 3x3", "conv"),
            Box("fifo", 2, 1, "SkipFifo\nthe row that is\nbeing squeezed", "pool"),
            Box("conv", 3, 1, "ConvEngine\n1x1", "conv"),
            Box("fifo2", 4, 1, "SkipFifo\nshort", "pool"),
            Box("add", 5, 0.5, "adder\nsaturates at 255", "fire"),
            Box("output", 6, 0.5, "beats", "port"),
        ],
        [
            Arrow("input", "broadcast"),
            Arrow("broadcast", "squeeze"),
            Arrow("broadcast", "fifo"),
            Arrow("squeeze", "expand"),
            Arrow("fifo", "conv"),
            Arrow("conv", "fifo2"),
            Arrow("expand", "add"),
            Arrow("fifo2", "add"),
            Arrow("add", "output"),
        ],
    )


def link() -> str:
    """The device's end of the link."""
    return schematic(
        "The device's end of the link",
        [
            Box("host", 0, 0.5, "host\nUART or USB", "port"),
            Box("receiver", 1, 0, "PacketReceiver\nCOBS, CRC-32", "pool"),
            Box("buffer", 2, 0, "PacketBuffer\n2 KiB, rolls back\nbad packets", "pool"),
            Box("feeder", 3, 0, "FrameFeeder\nwhole frames", "pool"),
            Box("pipeline", 4, 0.5, "the pipeline", "conv"),
            Box("scores", 3, 1, "ScoreBuffer\none result", "fire"),
            Box("transmitter", 1, 1, "Packet-\nTransmitter", "fire"),
            Box("endpoint", 2, 1, "LinkEndpoint\nnumbers, window,\nreplies due", "fire"),
        ],
        [
            Arrow("host", "receiver"),
            Arrow("receiver", "buffer"),
            Arrow("buffer", "feeder"),
            Arrow("feeder", "pipeline"),
            Arrow("pipeline", "scores"),
            Arrow("scores", "endpoint"),
            Arrow("endpoint", "transmitter"),
            Arrow("transmitter", "host"),
            Arrow("buffer", "endpoint"),
        ],
    )


if __name__ == "__main__":
    for draw in (flow, weights, mac_array, conv, squeeze, pool, partitions, bypass, link):
        path = IMAGES / f"{draw.__name__}.svg"
        write_atomically(path, draw().encode())
        print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")
