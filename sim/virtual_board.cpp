// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Drives the Verilated device, the accelerator behind its link, in bulk: bytes of packets in and out, called through ctypes.

#include <cstdint>

#include "Vfirebrick.h"
#include "verilated.h"

struct Board {
    VerilatedContext context;
    Vfirebrick top{&context};
    uint64_t cycle = 0;
    uint64_t next_in = 0;   // the cycles from which the line can carry another byte each way
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
    tick(*board);  // the reset goes through a flip-flop
    board->cycle = 0;
    return board;
}

extern "C" void board_close(Board *board) {
    board->top.final();
    delete board;
}

// Runs until a zero, which ends a packet, was sent, or `most` bytes, or for `limit` cycles. A byte takes at least `gap` cycles either way.
// `taken` is how many of the `count` bytes the device has received, `sent` how many it sent to `out`. Returns the cycle that is reached.
extern "C" uint64_t board_run(Board *board, const uint8_t *in, uint64_t count, uint64_t *taken, uint8_t *out, uint64_t most, uint64_t *sent,
                              uint64_t gap, uint64_t limit) {
    auto &top = board->top;
    *taken = *sent = 0;
    bool done = false;
    for (const uint64_t end = board->cycle + limit; board->cycle < end && !done;) {
        // The device is always ready for a byte, and what it sends does not depend on what it receives in the same cycle.
        const bool give = *taken < count && board->cycle >= board->next_in;
        top.received___05Fvalid = give;
        if (give) {
            top.received___05Fpayload = in[(*taken)++];
            board->next_in = board->cycle + gap;
        }
        const bool take = board->cycle >= board->next_out;
        top.sent___05Fready = take;
        if (take && top.sent___05Fvalid) {
            out[(*sent)++] = top.sent___05Fpayload;
            board->next_out = board->cycle + gap;
            done = top.sent___05Fpayload == 0 || *sent == most;
        }
        tick(*board);
    }
    return board->cycle;
}
