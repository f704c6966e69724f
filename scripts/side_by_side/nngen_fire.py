# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Fire module by NNgen: its Verilog, and a bench with a memory at its AXI port."""

from pathlib import Path
from typing import Any

import numpy as np

from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Shape

AXI_BITS = 32
PARALLEL = 2
"""Input and output channels that NNgen processes in parallel, times the taps of the kernel."""
CHUNK = 64
"""NNgen's alignment of arrays in memory, in bytes."""


def nngen_fire(shape: Shape, model: Model, fire: str, folder: Path) -> tuple[str, dict[str, str]]:
    """NNgen's Verilog of a Fire module of the model, and the files of a bench that prints its cycles and its wrong output words.

    The files include the contents of the memory, which are also written to the folder.
    """
    import nngen as ng
    import veriloggen.thread as vthread
    import veriloggen.types.axi as axi
    from veriloggen import Module, Not, Seq, simulation

    rng = np.random.default_rng(0)

    def convolution(source: Any, name: str, shift: int) -> Any:
        filters, channels, kernel, _ = model.layers[name].codes.shape
        identifier = name.replace("/", "_")
        weights = ng.variable(ng.int8, shape=(filters, kernel, kernel, channels), name=f"{identifier}_weights")
        weights.set_value(rng.integers(-127, 128, weights.shape).astype(np.int64))
        bias = ng.variable(ng.int32, shape=(filters,), name=f"{identifier}_bias")
        bias.set_value(rng.integers(-10_000, 10_000, bias.shape).astype(np.int64))
        wide = {"dtype": ng.int8, "sum_dtype": ng.int32, "par_ich": PARALLEL, "par_och": PARALLEL}
        return ng.conv2d(source, weights, strides=(1, 1, 1, 1), bias=bias, rshift_out=shift, act_func=ng.relu, name=identifier, **wide)

    maps = ng.placeholder(ng.int8, shape=(1, shape.height, shape.width, shape.channels), name="maps")
    squeezed = convolution(maps, f"{fire}/squeeze1x1", 12)
    halves = [convolution(squeezed, f"{fire}/{part}", shift) for part, shift in (("expand1x1", 10), ("expand3x3", 12))]
    out = ng.concat(halves, axis=3, name="out")
    target = ng.to_veriloggen([out], "fire_nngen", silent=True, config={"maxi_datawidth": AXI_BITS, "chunk_size": CHUNK})
    maps_in = rng.integers(0, 128, maps.shape).astype(np.int64)
    [expected] = ng.eval([out], maps=maps_in)
    parameters = ng.export_ndarray([out], CHUNK)
    sizes = (maps.addr + maps.memory_size, len(parameters), out.memory_size)
    addresses = [sum(-(-size // CHUNK) * CHUNK for size in sizes[: count + 1]) for count in range(len(sizes))]
    memory_image = np.zeros([1 << 19], np.int64)
    align = max(AXI_BITS // 8, PARALLEL)
    axi.set_memory(memory_image, maps_in, AXI_BITS, 8, maps.addr, align)
    axi.set_memory(memory_image, parameters, AXI_BITS, 8, addresses[0])
    axi.set_memory(memory_image, expected, AXI_BITS, 8, addresses[1], align)

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

    def run() -> None:  # becomes a state machine: NNgen supports a small part of Python here
        for _ in range(100):
            pass
        ng.sim.set_global_addrs(control, addresses[2])
        began = time.value
        ng.sim.start(control)
        ng.sim.wait(control)
        ended = time.value
        print("# cycles %d" % (ended - began))  # noqa: UP031
        wrong = 0
        for i in range(words):
            actual = memory.read_word(i, out.addr, AXI_BITS)
            right = memory.read_word(i, addresses[1], AXI_BITS)
            if actual != right:
                wrong += 1
        print("# wrong %d" % wrong)  # noqa: UP031
        vthread.finish()

    vthread.Thread(bench, "th", clock, reset, run).start()
    bench.Instance(target, "dut", params=bench.connect_params(target), ports=bench.connect_ports(target))
    simulation.setup_clock(bench, clock, hperiod=5)
    simulation.setup_reset(bench, reset_n, bench.make_reset(), period=100, polarity="low")
    return target.to_verilog(), {"test.v": bench.to_verilog(), image.name: image.read_text()}
