// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Simulates the Verilated display with its three clocks, feeds it scores, and records its bits. Python calls it through ctypes.

#include <cstdint>
#include <deque>

#include "Vfirebrick.h"
#include "display/tmds_recorder.h"
#include "verilated.h"

static constexpr uint64_t TMDS_PS = 8000;  // 125 MHz; a pixel takes five cycles

struct Score {
    uint64_t word;  // the score, and above it whether it is the frame's last one
    bool good, first;
};

struct Display {
    VerilatedContext context;
    Vfirebrick top{&context};
    TmdsRecorder recorder;
    std::deque<Score> scores;
    uint64_t now = 0, next_sync, next_pixel, next_tmds = 0;  // rising edges, in ps
    uint64_t sync_ps;
    uint64_t random;
    unsigned stall;  // of 256 cycles of the accelerator's clock, about how many come without a score

    uint8_t draw() {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        return random >> 32;
    }
};

// Clocks: the accelerator's period and first edge, and by how much the pixel clock is behind the serial one, all in ps.
extern "C" Display *display_open(uint64_t sync_ps, uint64_t sync_phase, uint64_t pixel_skew, unsigned stall, uint64_t seed) {
    auto *display = new Display;
    display->sync_ps = sync_ps;
    display->next_sync = sync_phase;
    display->next_pixel = pixel_skew;
    display->stall = stall;
    display->random = seed * 2654435761u + 88172645463325252u;
    display->top.eval();
    return display;
}

extern "C" void display_close(Display *display) {
    display->top.final();
    delete display;
}

extern "C" void display_inputs(Display *display, uint32_t dropped, int camera_found) {
    display->top.dropped = dropped;
    display->top.camera_found = camera_found;
}

// Queues the scores of a frame, the lowest bits of each word.
extern "C" void display_frame(Display *display, const int64_t *scores, uint64_t count, int good) {
    for (uint64_t n = 0; n < count; n++) {
        const uint64_t score = uint64_t(scores[n]) & ((1ull << SCORE_BITS) - 1);
        display->scores.push_back({score | uint64_t(n + 1 == count) << SCORE_BITS, good != 0, n == 0});
    }
}

extern "C" uint64_t display_waiting(const Display *display) { return display->scores.size(); }
extern "C" unsigned display_led(const Display *display) { return display->top.led; }
extern "C" const uint8_t *display_bytes(const Display *display) { return display->recorder.bytes.data(); }

// Simulates some cycles of the serial clock; of these, display_bytes then has the bits.
extern "C" void display_run(Display *display, uint64_t cycles) {
    auto &top = display->top;
    display->recorder.bytes.clear();
    while (cycles) {
        uint64_t now = display->next_sync < display->next_pixel ? display->next_sync : display->next_pixel;
        if (display->next_tmds < now) now = display->next_tmds;
        const bool sync = now == display->next_sync, pixel = now == display->next_pixel, tmds = now == display->next_tmds;
        if (tmds) {
            display->recorder.sample(top.tmds);  // what the last cycle sent
            display->next_tmds += TMDS_PS;
            cycles--;
        }
        if (sync) display->next_sync += display->sync_ps;
        if (pixel) display->next_pixel += 5 * TMDS_PS;
        top.clk = sync, top.pixel_clk = pixel, top.tmds_clk = tmds;
        top.eval();
        top.clk = top.pixel_clk = top.tmds_clk = 0;
        if (sync) {
            top.score_taken = top.frame_started = 0;
            top.score = display->draw();  // in a cycle without a score, anything
            if (!display->scores.empty() && display->draw() >= display->stall) {
                const Score &score = display->scores.front();
                top.score = score.word;
                top.score_taken = 1;
                top.frame_good = score.good;
                top.frame_started = score.first;
                display->scores.pop_front();
            }
        }
        top.eval();
    }
}
