// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
// A camera for a Verilated board: its parallel port and its end of the control bus (SCCB).
//
// Call step() once for each half cycle of the sensor's pixel clock, or for each moment of a finer simulation with poll() in between.
// The timing of a frame is that of sw/camera/sensor.py.

#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace firebrick {

struct CameraTiming {
    int columns, rows;                           // of the sensor
    int line;                                    // cycles of the pixel clock
    int vsync_lines, front_lines, back_lines;
    bool vsync_high = true, href_high = true;
};

// The parallel port. Outputs change at the falling edge of PCLK, and are stable at the rising one.
class DvpPort {
public:
    explicit DvpPort(const CameraTiming &timing) : timing_(timing) { idle(); }

    // The bytes of the next frame, rows * 2 * columns, and its number; kept until another frame is set, and sent again and again.
    void show(std::vector<uint8_t> bytes, int64_t number) {
        if (bytes.size() != size_t(timing_.rows) * 2 * timing_.columns) throw std::runtime_error("a frame of the wrong size");
        next_ = std::move(bytes);
        next_number_ = number;
    }

    // Unplugged: the clock stops, in the middle of whatever it was.
    void plug(bool plugged) { plugged_ = plugged; if (!plugged) idle(); }

    // Half a cycle of the pixel clock.
    void step() {
        if (!plugged_) return;
        pclk = !pclk;
        if (pclk) return;
        const long cycles = frame_cycles();
        if (cycle_ == 0) {
            frame_ = next_;
            number_ = next_number_;
        }
        const int line = int(cycle_ / timing_.line), place = int(cycle_ % timing_.line);
        const int row = line - timing_.vsync_lines - timing_.front_lines;
        const bool active = !frame_.empty() && row >= 0 && row < timing_.rows && place < 2 * timing_.columns;
        vsync = (line < timing_.vsync_lines) == timing_.vsync_high;
        href = active == timing_.href_high;
        data = active ? frame_[size_t(row) * 2 * timing_.columns + place] : uint8_t(place);
        if (++cycle_ == cycles) { cycle_ = 0; frames++; }
    }

    // The number of the frame that is being sent.
    int64_t number() const { return number_; }

    // How much of the frame is sent, 0 to 1.
    double progress() const { return double(cycle_) / double(frame_cycles()); }

    bool pclk = true, vsync = false, href = false;
    uint8_t data = 0;
    long frames = 0;                             // sent

private:
    long frame_cycles() const {
        return long(timing_.line) * (timing_.vsync_lines + timing_.front_lines + timing_.rows + timing_.back_lines);
    }
    void idle() { vsync = !timing_.vsync_high; href = !timing_.href_high; cycle_ = 0; }

    CameraTiming timing_;
    std::vector<uint8_t> next_, frame_;
    int64_t next_number_ = 0, number_ = 0;
    long cycle_ = 0;
    bool plugged_ = true;
};

// Registers behind SCCB: as sim/camera/sccb_slave.py, without limits on time.
class SccbSlave {
public:
    SccbSlave(uint8_t address, int address_bytes) : address_(address), address_bytes_(address_bytes) {}

    std::map<int, uint8_t> registers;            // those that are missing read as 0xFF
    std::vector<std::pair<int, uint8_t>> writes; // in order

    // The line SDA, with both lines as the master holds them (true: released).
    bool step(bool scl, bool sda) {
        if (scl != scl_ && sda != sda_) throw std::runtime_error("SCCB: SCL and SDA change at the same time");
        if (scl != scl_) clock(scl, sda);
        else if (sda != sda_ && scl) { if (sda) stop(); else start(); }
        scl_ = scl;
        sda_ = sda;
        return sda && !pulled_;
    }

private:
    void start() {
        if (busy_) throw std::runtime_error("SCCB: a start within a transmission");
        busy_ = true;
        bits_.clear();
    }
    void stop() {
        if (!busy_ || bits_.size() % 9 != 1) throw std::runtime_error("SCCB: a stop within a byte");
        busy_ = false;
        const int bytes = int(bits_.size()) / 9;
        if (byte(0) == address_ + 1 && bytes == 2) return;
        if (byte(0) != address_ || bytes < 1 + address_bytes_ || bytes > 2 + address_bytes_)
            throw std::runtime_error("SCCB: a transmission of " + std::to_string(bytes) + " bytes to " + std::to_string(byte(0)));
        pointer_ = 0;
        for (int index = 1; index <= address_bytes_; index++) pointer_ = pointer_ << 8 | byte(index);
        if (bytes == 2 + address_bytes_) {
            registers[pointer_] = uint8_t(byte(bytes - 1));
            writes.emplace_back(pointer_, uint8_t(byte(bytes - 1)));
        }
    }
    void clock(bool scl, bool sda) {
        if (!busy_) throw std::runtime_error("SCCB: SCL changes without a start");
        if (scl) {
            bits_.push_back(sda && !pulled_);
            return;
        }
        const int count = int(bits_.size());
        const bool reading = count >= 8 && byte(0) == address_ + 1;
        pulled_ = false;
        if (count % 9 == 8) pulled_ = !(reading && count == 17);
        else if (reading && count >= 9 && count < 17) {
            const auto found = registers.find(pointer_);
            pulled_ = !((found == registers.end() ? 0xFF : found->second) >> (16 - count) & 1);
        }
    }
    int byte(int index) const {
        int value = 0;
        for (int bit = 0; bit < 8; bit++) value = value << 1 | int(bits_[size_t(index) * 9 + bit]);
        return value;
    }

    uint8_t address_;
    int address_bytes_, pointer_ = 0;
    std::vector<bool> bits_;
    bool scl_ = true, sda_ = true, busy_ = false, pulled_ = false;
};

}  // namespace firebrick
