// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Simulates a Verilated board: clocks, a camera at its header, what its pins send to a screen, and a serial line. Python calls it through
// ctypes. Times are in ps, cycles are those of the accelerator's clock; both from power-up.

#include <cstdint>
#include <deque>
#include <exception>
#include <string>
#include <vector>

#include "Vfirebrick.h"
#include "board/serial_line.h"
#include "camera/camera_model.h"
#include "display/tmds_recorder.h"
#include "verilated.h"

static constexpr uint64_t TMDS_PS = 8000;  // 125 MHz; a pixel takes five cycles

// A frame of the camera that the accelerator has taken.
struct Frame {
    int64_t picture;            // the number of what the sensor sent when the frame began
    uint64_t started, finished; // cycles of its first byte and of its last score; 0: not finished yet
    uint64_t good;              // it was whole
};

struct Board {
    VerilatedContext context;
    Vfirebrick top{&context};
    firebrick::DvpPort port;
    firebrick::SccbSlave bus;
    firebrick::SerialLine serial;
    TmdsRecorder recorder;
    std::vector<Frame> frames;
    std::vector<int64_t> scores;  // of these frames, the bits that leave the accelerator, without their sign
    uint64_t sync_ps, half_pclk_ps;
    int classes, prescaler_register;
    uint64_t prescaler = 1, cycle = 0;
    size_t writes_seen = 0;
    uint64_t next_sync = 0, next_pclk = 1700, next_tmds = 0;
    unsigned tmds_cycle = 0;
    std::string error;

    Board(const firebrick::CameraTiming &timing, uint8_t address, int address_bytes) : port(timing), bus(address, address_bytes) {}

    // A half cycle of the sensor's clock.
    void step_camera() {
        port.step();
        top.pclk = port.pclk;
        top.vsync = port.vsync;
        top.href = port.href;
        top.camera_data = port.data;
        next_pclk += half_pclk_ps * prescaler;
    }

    // The accelerator's signals before an edge of its clock.
    void watch_frames() {
        if (top.frame_started) frames.push_back({port.number(), cycle, 0, 0});
        if (!top.score_taken) return;
        scores.push_back(int64_t(top.score));
        if (scores.size() % classes) return;
        Frame &frame = frames.at(scores.size() / classes - 1);
        frame.finished = cycle;
        frame.good = top.score_good;
    }

    // What is slower than the accelerator's clock: the control bus, by which the board can slow the sensor down, and the serial line.
    void step_lines(uint64_t now) {
        top.sda_released = bus.step(top.scl_held, top.sda_held) || !top.sda_held;
        if (writes_seen != bus.writes.size()) {
            writes_seen = bus.writes.size();
            prescaler = (bus.registers[prescaler_register] & 63) + 1;
        }
        top.rx = serial.step(now, top.tx);
    }
};

// Sizes and times of the sensor in cycles of its pixel clock and in lines, then its bus: address, bytes of a register's address, and the
// register whose lowest six bits are the prescaler, less 1.
extern "C" Board *board_open(uint64_t sync_ps, uint64_t half_pclk_ps, uint64_t bit_ps, int classes, const int *sensor) {
    const firebrick::CameraTiming timing{sensor[0], sensor[1], sensor[2], sensor[3], sensor[4], sensor[5], sensor[6] != 0, sensor[7] != 0};
    auto *board = new Board(timing, uint8_t(sensor[8]), sensor[9]);
    board->prescaler_register = sensor[10];
    board->sync_ps = sync_ps;
    board->half_pclk_ps = half_pclk_ps;
    board->serial.bit_ps = bit_ps;
    board->classes = classes;
    board->top.rx = 1;
    board->top.eval();
    return board;
}

extern "C" void board_close(Board *board) {
    board->top.final();
    delete board;
}

extern "C" void board_register(Board *board, int address, int value) { board->bus.registers[address] = value; }
extern "C" void board_show(Board *board, int64_t picture, const uint8_t *bytes, uint64_t count) {
    board->port.show({bytes, bytes + count}, picture);
}
extern "C" void board_plug(Board *board, int plugged) { board->port.plug(plugged != 0); }
extern "C" double board_frame_progress(const Board *board) { return board->port.progress(); }
extern "C" const char *board_error(const Board *board) { return board->error.c_str(); }
extern "C" uint64_t board_now(const Board *board) { return board->next_sync; }
extern "C" unsigned board_leds(const Board *board) { return board->top.leds; }
extern "C" uint64_t board_frames(const Board *board) { return board->frames.size(); }
extern "C" const Frame *board_frame_values(const Board *board) { return board->frames.data(); }
extern "C" const int64_t *board_score_values(const Board *board) { return board->scores.data(); }
extern "C" uint64_t board_recorded(const Board *board) { return board->recorder.bytes.size(); }
extern "C" const uint8_t *board_bytes(const Board *board) { return board->recorder.bytes.data(); }
extern "C" void board_set_bit(Board *board, uint64_t bit_ps) { board->serial.bit_ps = bit_ps; }
extern "C" uint64_t board_unsent(const Board *board) { return board->serial.unsent.size(); }
extern "C" void board_send(Board *board, const uint8_t *bytes, uint64_t count) {
    board->serial.unsent.insert(board->serial.unsent.end(), bytes, bytes + count);
}
// What has been received since the last call, at most so many bytes; how many.
extern "C" uint64_t board_receive(Board *board, uint8_t *bytes, uint64_t most) {
    auto &received = board->serial.received;
    const uint64_t count = received.size() < most ? received.size() : most;
    for (uint64_t index = 0; index < count; index++) bytes[index] = received[index];
    received.erase(received.begin(), received.begin() + long(count));
    return count;
}

// Simulates up to a time, and records what is sent to the screen, if that is asked for. Without, the serial clock stands still.
extern "C" int board_run(Board *board, uint64_t end, int record) {
    auto &top = board->top;
    board->recorder.bytes.clear();
    try {
        while (board->next_sync < end) {
            uint64_t now = board->next_sync < board->next_pclk ? board->next_sync : board->next_pclk;
            if (board->next_tmds < now) now = board->next_tmds;
            const bool camera = now == board->next_pclk, sync = now == board->next_sync, tmds = now == board->next_tmds;
            const bool pixel = tmds && board->tmds_cycle == 0;
            if (camera) board->step_camera();
            if (tmds) {
                if (record) board->recorder.sample_level(top.tmds, true);
                board->tmds_cycle = board->tmds_cycle == 4 ? 0 : board->tmds_cycle + 1;
                board->next_tmds += TMDS_PS;
            }
            if (sync) {
                board->next_sync += board->sync_ps;
                board->watch_frames();
            }
            if (!sync && !pixel && !(tmds && record)) {
                if (camera) top.eval();
                continue;
            }
            top.sync_clk = sync, top.pixel_clk = pixel, top.tmds_clk = tmds && record;
            top.eval();
            if (tmds && record) board->recorder.sample_level(top.tmds, false);
            top.sync_clk = top.pixel_clk = top.tmds_clk = 0;
            top.eval();
            if (sync) {
                board->step_lines(now);
                board->cycle++;
            }
        }
    } catch (const std::exception &problem) {
        board->error = problem.what();
        return 1;
    }
    return 0;
}
