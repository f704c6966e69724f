// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Simulates the Verilated device, an accelerator with its link, for many cycles per call. Python calls it through ctypes.

#include <cstdint>

#include "Vfirebrick.h"
#include "verilated.h"

struct Board {
    VerilatedContext context;
    Vfirebrick top{&context};
    uint64_t cycle = 0;
    uint64_t next_in = 0;   // the cycles from which the line can carry another byte in each direction
    uint64_t next_out = 0;
};

static void tick(Board &board) {
    board.top.clk = 1;
    board.top.eval();
    board.top.clk = 0;
    board.top.eval();
    board.cycle++;
}

extern "C" Board *board_open() {
    auto *board = new Board;
    board->top.rst = 1;
    board->top.clk = 0;
    board->top.eval();
    tick(*board);
    tick(*board);
    board->top.rst = 0;
    tick(*board);  // the reset passes a flip-flop
    board->cycle = 0;
    return board;
}

extern "C" void board_close(Board *board) {
    board->top.final();
    delete board;
}

// Runs until the device has sent a zero, which ends a packet, or `max_out` bytes, and for `max_cycles` cycles at most. A byte takes at
// least `byte_cycles` cycles in either direction. On return, the device has received `consumed` of the `count` bytes of `in`, and sent
// `produced` bytes to `out`. Returns the cycle that is reached.
extern "C" uint64_t board_run(Board *board, const uint8_t *in, uint64_t count, uint64_t *consumed, uint8_t *out, uint64_t max_out,
                              uint64_t *produced, uint64_t byte_cycles, uint64_t max_cycles) {
    auto &top = board->top;
    *consumed = *produced = 0;
    bool done = false;
    for (const uint64_t end = board->cycle + max_cycles; board->cycle < end && !done;) {
        // The device is always ready for a byte, and what it sends does not depend on what it receives in the same cycle.
        const bool give = *consumed < count && board->cycle >= board->next_in;
        top.received___05Fvalid = give;
        if (give) {
            top.received___05Fpayload = in[(*consumed)++];
            board->next_in = board->cycle + byte_cycles;
        }
        const bool take = board->cycle >= board->next_out;
        top.sent___05Fready = take;
        if (take && top.sent___05Fvalid) {
            out[(*produced)++] = top.sent___05Fpayload;
            board->next_out = board->cycle + byte_cycles;
            done = top.sent___05Fpayload == 0 || *produced == max_out;
        }
        tick(*board);
    }
    return board->cycle;
}
