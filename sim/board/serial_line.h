// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// A host's end of a serial line: 8 data bits, no parity, 1 stop bit. Times in ps.

#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace firebrick {

class SerialLine {
  public:
    uint64_t bit_ps = 0;
    std::deque<uint8_t> unsent;     // the first one may be on the line
    std::vector<uint8_t> received;

    // Call it often within a bit, with the level that the board sends. The level that the board receives.
    bool step(uint64_t now, bool level) {
        receive(now, level);
        if (unsent.empty()) return true;
        if (!sending_) {
            sending_ = true;
            send_start_ = now;
        }
        const uint64_t bit = (now - send_start_) / bit_ps;
        if (bit >= 10) {
            sending_ = false;
            unsent.pop_front();
        }
        return bit == 0 ? false : bit >= 9 ? true : unsent.front() >> (bit - 1) & 1;
    }

  private:
    void receive(uint64_t now, bool level) {
        if (!receiving_) {
            if (level) return;
            receiving_ = true;
            sample_ = now + bit_ps * 3 / 2;
            bits_ = value_ = 0;
        } else if (now >= sample_) {
            if (bits_ < 8) value_ |= level << bits_;
            else {
                receiving_ = false;
                if (level) received.push_back(uint8_t(value_));  // else: not a byte, as its stop bit is missing
            }
            bits_++;
            sample_ += bit_ps;
        }
    }

    bool sending_ = false, receiving_ = false;
    uint64_t send_start_ = 0, sample_ = 0;
    int bits_ = 0, value_ = 0;
};

}  // namespace firebrick
