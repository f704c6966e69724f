# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A Fire module by NNgen: its Verilog, and a bench with a memory behind its AXI port."""

from pathlib import Path
from typing import Any

import numpy as np

from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Shape

AXI_BITS = 32
PARALLEL = 2
"""Input and output channels that NNgen multiplies at a time, times the taps of the kernel."""
CHUNK = 64
"""Bytes to which NNgen aligns what lies in memory."""


def nngen_fire(shape: Shape, model: Model, fire: str, folder: Path) -> tuple[str, dict[str, str]]:
    """NNgen's Verilog of a Fire module of the model, and files of a bench that says how long it takes and whether its outputs are right.

    The folder gets the memory's contents, which are among the files, too.
    """
    import nngen as ng
    import veriloggen.thread as vthread
    import veriloggen.types.axi as axi
    from veriloggen import Module, Not, Seq, simulation

    rng = np.random.default_rng(0)

    def convolution(source: Any, name: str, shift: int) -> Any:
        filters, channels, kernel, _ = model.layers[name].codes.shape
        own = name.replace("/", "_")
        weights = ng.variable(ng.int8, shape=(filters, kernel, kernel, channels), name=f"{own}_weights")
        weights.set_value(rng.integers(-127, 128, weights.shape).astype(np.int64))
        bias = ng.variable(ng.int32, shape=(filters,), name=f"{own}_bias")
        bias.set_value(rng.integers(-10_000, 10_000, bias.shape).astype(np.int64))
        wide = {"dtype": ng.int8, "sum_dtype": ng.int32, "par_ich": PARALLEL, "par_och": PARALLEL}
        return ng.conv2d(source, weights, strides=(1, 1, 1, 1), bias=bias, rshift_out=shift, act_func=ng.relu, name=own, **wide)

    maps = ng.placeholder(ng.int8, shape=(1, shape.height, shape.width, shape.channels), name="maps")
    squeezed = convolution(maps, f"{fire}/squeeze1x1", 12)
    halves = [convolution(squeezed, f"{fire}/{part}", shift) for part, shift in (("expand1x1", 10), ("expand3x3", 12))]
    out = ng.concat(halves, axis=3, name="out")
    target = ng.to_veriloggen([out], "fire_nngen", silent=True, config={"maxi_datawidth": AXI_BITS, "chunk_size": CHUNK})
    seen = rng.integers(0, 128, maps.shape).astype(np.int64)
    [wanted] = ng.eval([out], maps=seen)
    parameters = ng.export_ndarray([out], CHUNK)
    sizes = (maps.addr + maps.memory_size, len(parameters), out.memory_size)
    places = [sum(-(-size // CHUNK) * CHUNK for size in sizes[: count + 1]) for count in range(len(sizes))]
    memory_image = np.zeros([1 << 19], np.int64)
    align = max(AXI_BITS // 8, PARALLEL)
    axi.set_memory(memory_image, seen, AXI_BITS, 8, maps.addr, align)
    axi.set_memory(memory_image, parameters, AXI_BITS, 8, places[0])
    axi.set_memory(memory_image, wanted, AXI_BITS, 8, places[1], align)

    bench = Module("test")
    bench.copy_params(target)
    ports = bench.copy_sim_ports(target)
    clock, reset_n = ports["CLK"], ports["RESETN"]
    reset = bench.Wire("RST")
    reset.assign(Not(reset_n))
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "nngen-memory.hex"
    memory = axi.AxiMemoryModel(
        bench, "memory", clock, reset, datawidth=AXI_BITS, memimg=memory_image, memimg_name=str(image), memimg_datawidth=AXI_BITS
    )
    memory.connect(ports, "maxi")
    control = vthread.AXIMLite(bench, "control", clock, reset, noio=True)
    control.connect(ports, "saxi")
    time = bench.Reg("time_counter", 32, initval=0)
    Seq(bench, "seq", clock, reset)(time.inc())
    words = int(np.prod(out.shape)) // 4

    def run() -> None:  # becomes a state machine: NNgen's threads know few of Python's words
        for _ in range(100):
            pass
        ng.sim.set_global_addrs(control, places[2])
        began = time.value
        ng.sim.start(control)
        ng.sim.wait(control)
        ended = time.value
        print("# cycles %d" % (ended - began))  # noqa: UP031
        wrong = 0
        for i in range(words):
            made = memory.read_word(i, out.addr, AXI_BITS)
            right = memory.read_word(i, places[1], AXI_BITS)
            if made != right:
                wrong += 1
        print("# wrong %d" % wrong)  # noqa: UP031
        vthread.finish()

    vthread.Thread(bench, "th", clock, reset, run).start()
    bench.Instance(target, "dut", params=bench.connect_params(target), ports=bench.connect_ports(target))
    simulation.setup_clock(bench, clock, hperiod=5)
    simulation.setup_reset(bench, reset_n, bench.make_reset(), period=100, polarity="low")
    return target.to_verilog(), {"test.v": bench.to_verilog(), image.name: image.read_text()}
