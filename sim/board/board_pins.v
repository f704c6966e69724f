// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// A board's pins as the harness sees them, the clocks of its PLLs, and the scores of camera frames, to compare them.

module firebrick(
  input sync_clk, pixel_clk, tmds_clk,
  input pclk, vsync, href, input [7:0] camera_data,
  input sda_released,           // by the sensor
  output scl_held, sda_held,    // by the board; 1: released
  output [3:0] tmds,
  output [7:0] leds,
  input rx, output tx,
  output [`SCORE_BITS - 1:0] score, output score_taken, score_good, frame_started
);
  wire scl, sda;
  assign scl = 1'bz;
  assign sda = sda_released ? 1'bz : 1'b0;
  pullup (scl);
  pullup (sda);
  assign scl_held = board.camera_scl.\buf .buf0.T | board.camera_scl.\buf .buf0.I;
  assign sda_held = board.camera_sda.\buf .buf0.T | board.camera_sda.\buf .buf0.I;
  assign score = board.device.score[`SCORE_BITS - 1:0];
  assign score_taken = board.device.score_taken;
  assign score_good = board.device.frame_good;
  assign frame_started = board.device.frame_started;
  board board(
    /* connections */
  );
endmodule
