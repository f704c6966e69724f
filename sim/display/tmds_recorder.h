// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Records what leaves the DDR outputs of a DVI transmitter: a byte for each cycle of its serial clock, two bits for each of the channels
// blue, green, red and clock, the first one lower. `decode_screens` of monitor.py reads it.

#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

class TmdsRecorder {
  public:
    // Call it once for each rising edge of the serial clock, with the member `tmds` of the component Display.
    void sample(uint8_t pairs) {
        if (recording) bytes.push_back(pairs);
    }

    // Call it instead where the pins are seen: before each falling and each rising edge, with the levels of the four channels.
    void sample_level(uint8_t levels, bool second) {
        if (!second) pending = 0;
        for (int channel = 0; channel < 4; channel++) pending |= (levels >> channel & 1) << (2 * channel + second);
        if (second) sample(pending);
    }

    bool write(const char *path) const {
        std::FILE *file = std::fopen(path, "wb");
        if (!file) return false;
        const bool complete = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
        return std::fclose(file) == 0 && complete;
    }

    bool recording = true;
    std::vector<uint8_t> bytes;

  private:
    uint8_t pending = 0;
};
