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
    .clk25_0__io(1'b0),
    .camera_0__pclk__io(pclk), .camera_0__vsync__io(vsync), .camera_0__href__io(href),
    .camera_0__d0__io(camera_data[0]), .camera_0__d1__io(camera_data[1]), .camera_0__d2__io(camera_data[2]),
    .camera_0__d3__io(camera_data[3]), .camera_0__d4__io(camera_data[4]), .camera_0__d5__io(camera_data[5]),
    .camera_0__d6__io(camera_data[6]), .camera_0__d7__io(camera_data[7]),
    .camera_0__scl__io(scl), .camera_0__sda__io(sda),
    .camera_0__reset__io(), .camera_0__pwdn__io(), .camera_0__xclk__io(),
    .display_0__blue__io(tmds[0]), .display_0__green__io(tmds[1]), .display_0__red__io(tmds[2]), .display_0__clock__io(tmds[3]),
    .led_0__io(leds[0]), .led_1__io(leds[1]), .led_2__io(leds[2]), .led_3__io(leds[3]),
    .led_4__io(leds[4]), .led_5__io(leds[5]), .led_6__io(leds[6]), .led_7__io(leds[7]),
    .uart_0__rx__io(rx), .uart_0__tx__io(tx)
  );
endmodule
