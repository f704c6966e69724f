// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Simulates a Verilated board: clocks, a camera at its header, and what its pins send to a screen. Python calls it through ctypes.

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "Vfirebrick.h"
#include "camera/camera_model.h"
#include "display/tmds_recorder.h"
#include "verilated.h"

static constexpr uint64_t TMDS_PS = 8000;  // 125 MHz; a pixel takes five cycles

struct Board {
    VerilatedContext context;
    Vfirebrick top{&context};
    firebrick::DvpPort port;
    firebrick::SccbSlave bus;
    TmdsRecorder recorder;
    std::vector<int64_t> scores;  // of camera frames, as they leave the accelerator
    std::vector<uint8_t> good;
    uint64_t sync_ps, half_pclk_ps;
    uint64_t next_sync = 0, next_pclk = 1700, next_tmds = 0;  // ps
    uint64_t started_ps = 0, frame_ps = 0;                    // when the newest frame began; the time of the newest that is done
    unsigned tmds_cycle = 0;
    std::string error;

    Board(const firebrick::CameraTiming &timing, uint8_t address, int address_bytes) : port(timing), bus(address, address_bytes) {}
};

// Times in ps; sizes and times of the sensor in cycles of its pixel clock and in lines.
extern "C" Board *board_open(uint64_t sync_ps, uint64_t half_pclk_ps, const int *sensor, int address, int address_bytes) {
    const firebrick::CameraTiming timing{sensor[0], sensor[1], sensor[2], sensor[3], sensor[4], sensor[5], sensor[6] != 0, sensor[7] != 0};
    auto *board = new Board(timing, address, address_bytes);
    board->sync_ps = sync_ps;
    board->half_pclk_ps = half_pclk_ps;
    board->top.rx = 1;
    board->top.eval();
    return board;
}

extern "C" void board_close(Board *board) {
    board->top.final();
    delete board;
}

extern "C" void board_register(Board *board, int address, int value) { board->bus.registers[address] = value; }
extern "C" void board_show(Board *board, const uint8_t *bytes, uint64_t count) { board->port.show({bytes, bytes + count}); }
extern "C" void board_plug(Board *board, int plugged) { board->port.plug(plugged != 0); }
extern "C" double board_frame_progress(const Board *board) { return board->port.progress(); }
extern "C" const char *board_error(const Board *board) { return board->error.c_str(); }
extern "C" uint64_t board_frame_ps(const Board *board) { return board->frame_ps; }
extern "C" unsigned board_leds(const Board *board) { return board->top.leds; }
extern "C" uint64_t board_scores(const Board *board) { return board->scores.size(); }
extern "C" const int64_t *board_score_values(const Board *board) { return board->scores.data(); }
extern "C" const uint8_t *board_score_verdicts(const Board *board) { return board->good.data(); }
extern "C" uint64_t board_recorded(const Board *board) { return board->recorder.bytes.size(); }
extern "C" const uint8_t *board_bytes(const Board *board) { return board->recorder.bytes.data(); }

static void camera(Board &board) {
    auto &top = board.top;
    board.port.step();
    top.pclk = board.port.pclk;
    top.vsync = board.port.vsync;
    top.href = board.port.href;
    top.camera_data = board.port.data;
}

// Simulates for a time, and records what is sent to the screen, if that is asked for. Without, the serial clock stands still.
extern "C" int board_run(Board *board, uint64_t duration_ps, int record) {
    auto &top = board->top;
    board->recorder.bytes.clear();
    const uint64_t end = board->next_sync + duration_ps;
    try {
        while (board->next_sync < end) {
            uint64_t now = board->next_sync < board->next_pclk ? board->next_sync : board->next_pclk;
            if (board->next_tmds < now) now = board->next_tmds;
            if (now == board->next_pclk) {
                camera(*board);
                board->next_pclk += board->half_pclk_ps;
            }
            const bool sync = now == board->next_sync, tmds = now == board->next_tmds;
            const bool pixel = tmds && board->tmds_cycle == 0;
            if (tmds) {
                if (record) board->recorder.sample_level(top.tmds, true);
                board->tmds_cycle = board->tmds_cycle == 4 ? 0 : board->tmds_cycle + 1;
                board->next_tmds += TMDS_PS;
            }
            if (sync) {
                board->next_sync += board->sync_ps;
                if (top.frame_started) board->started_ps = now;
                if (top.score_taken) {
                    board->scores.push_back(int64_t(uint64_t(top.score) << (64 - SCORE_BITS)) >> (64 - SCORE_BITS));
                    board->good.push_back(top.score_good);
                    board->frame_ps = now - board->started_ps;
                }
            }
            if (!sync && !pixel && !(tmds && record)) {
                top.eval();
                continue;
            }
            top.sync_clk = sync, top.pixel_clk = pixel, top.tmds_clk = tmds && record;
            top.eval();
            if (tmds && record) board->recorder.sample_level(top.tmds, false);
            top.sync_clk = top.pixel_clk = top.tmds_clk = 0;
            top.eval();
            if (sync) top.sda_released = board->bus.step(top.scl_held, top.sda_held) || !top.sda_held;
        }
    } catch (const std::exception &problem) {
        board->error = problem.what();
        return 1;
    }
    return 0;
}
