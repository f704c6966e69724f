// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Drives the Verilated accelerator in bulk: bytes of frames in, scores out, a bench of a few functions called through ctypes.

#include <cstddef>
#include <cstdint>

#include "Vfirebrick.h"
#include "verilated.h"

struct Bench {
    VerilatedContext context;
    Vfirebrick top{&context};
    uint64_t cycle = 0;
};

// Adds 1 to the count of each bit that is set; Verilator makes a vector of more than 64 bits an array of words.
static void count_bits(uint64_t bits, uint64_t *counts) {
    for (; bits; bits &= bits - 1) counts[__builtin_ctzll(bits)]++;
}

template <std::size_t words> static void count_bits(const VlWide<words> &bits, uint64_t *counts) {
    for (std::size_t word = 0; word < words; word++) count_bits(uint64_t{bits[word]}, counts + 32 * word);
}

static void tick(Bench &bench) {
    bench.top.clk = 1;
    bench.top.eval();
    bench.top.clk = 0;
    bench.top.eval();
    bench.cycle++;
}

extern "C" Bench *bench_open() {
    auto *bench = new Bench;
    bench->top.rst = 1;
    bench->top.clk = 0;
    bench->top.eval();
    tick(*bench);
    tick(*bench);
    bench->top.rst = 0;
    tick(*bench);  // the reset goes through a flip-flop
    bench->cycle = 0;
    return bench;
}

extern "C" void bench_close(Bench *bench) {
    bench->top.final();
    delete bench;
}

// Runs until a frame's last score is taken, or for so many cycles. `sent` is how many of the bytes have been taken so far; scores of one
// frame and the busy cycles of each engine part are written from the start of their arrays. Returns 1 when the frame is complete.
extern "C" int bench_run(Bench *bench, const uint8_t *bytes, uint64_t count, uint64_t *sent, uint32_t *scores, uint64_t *taken,
                         uint64_t classes, uint64_t *busy, uint64_t limit, uint64_t *cycle) {
    auto &top = bench->top;
    top.output___05Fready = 1;
    int done = 0;
    for (uint64_t step = 0; step < limit && !done; step++) {
        // Queues stand at both ends, so nothing that is read here depends on what is set here.
        top.input___05Fvalid = *sent < count;
        top.input___05Fpayload = *sent < count ? bytes[*sent] : 0;
        if (top.input___05Fvalid && top.input___05Fready) ++*sent;
        if (top.output___05Fvalid) {
            if (*taken < classes) scores[*taken] = top.output___05Fpayload & ((1u << SCORE_BITS) - 1);
            ++*taken;
            done = top.output___05Fpayload >> SCORE_BITS & 1;
        }
        count_bits(top.busy, busy);
        tick(*bench);
    }
    *cycle = bench->cycle;
    return done;
}
