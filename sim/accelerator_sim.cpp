// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Drives the Verilated accelerator in bulk, many cycles per call: bytes of frames in, scores out. sim/accelerator_sim.py calls it by ctypes.

#include <cstddef>
#include <cstdint>

#include "Vfirebrick.h"
#include "verilated.h"

struct Simulation {
    VerilatedContext context;
    Vfirebrick top{&context};
    uint64_t cycle = 0;
};

// Increments the counter of each bit that is set. Verilator represents vectors of more than 64 bits as arrays of 32-bit words.
static void count_bits(uint64_t bits, uint64_t *counts) {
    for (; bits; bits &= bits - 1) counts[__builtin_ctzll(bits)]++;
}

template <std::size_t words> static void count_bits(const VlWide<words> &bits, uint64_t *counts) {
    for (std::size_t word = 0; word < words; word++) count_bits(uint64_t{bits[word]}, counts + 32 * word);
}

// The clock of fast lanes, which has a rising edge at each edge of the other one; the first of these are for designs that have one.
template <typename Top> static auto set_fast_clock(Top &top, int level, int) -> decltype(top.fast_clk, void()) { top.fast_clk = level; }
template <typename Top> static void set_fast_clock(Top &, int, long) {}
template <typename Top> static auto end_half_cycle(Top &top, int) -> decltype(top.fast_clk, void()) {
    top.fast_clk = 0;
    top.eval();
}
template <typename Top> static void end_half_cycle(Top &, long) {}

static void tick(Simulation &simulation) {
    for (int level : {1, 0}) {
        simulation.top.clk = level;
        set_fast_clock(simulation.top, 1, 0);
        simulation.top.eval();
        end_half_cycle(simulation.top, 0);
    }
    simulation.cycle++;
}

extern "C" Simulation *simulation_open() {
    auto *simulation = new Simulation;
    simulation->top.rst = 1;
    simulation->top.clk = 0;
    simulation->top.eval();
    tick(*simulation);
    tick(*simulation);
    simulation->top.rst = 0;
    tick(*simulation);  // the top module registers the reset
    simulation->cycle = 0;
    return simulation;
}

extern "C" void simulation_close(Simulation *simulation) {
    simulation->top.final();
    delete simulation;
}

// Simulates until the last score of a frame has been transferred, or for `limit` cycles. Inputs are the `count` bytes of all frames, of which
// `*sent` have been transferred so far. Outputs are the frame's scores, of which `*taken` have been transferred so far, and the busy cycles of
// each engine partition. Returns 1 when the frame is complete.
extern "C" int simulation_run(Simulation *simulation, const uint8_t *bytes, uint64_t count, uint64_t *sent, uint32_t *scores, uint64_t *taken,
                         uint64_t classes, uint64_t *busy, uint64_t limit, uint64_t *cycle) {
    auto &top = simulation->top;
    top.output___05Fready = 1;
    int done = 0;
    for (uint64_t step = 0; step < limit && !done; step++) {
        // Both ends of the accelerator are FIFOs: no output depends combinationally on an input, so outputs can be read before eval().
        top.input___05Fvalid = *sent < count;
        top.input___05Fpayload = *sent < count ? bytes[*sent] : 0;
        if (top.input___05Fvalid && top.input___05Fready) ++*sent;
        if (top.output___05Fvalid) {
            if (*taken < classes) scores[*taken] = top.output___05Fpayload & ((1u << SCORE_BITS) - 1);
            ++*taken;
            done = top.output___05Fpayload >> SCORE_BITS & 1;
        }
        count_bits(top.busy, busy);
        tick(*simulation);
    }
    *cycle = simulation->cycle;
    return done;
}
