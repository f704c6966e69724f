// SPDX-FileCopyrightText: The Firebrick contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// The cells of an ECP5 that a board's design instantiates, as far as its function goes. PLLs give the clocks of the harness.

module IB(input I, output O);
  assign O = I;
endmodule

module OBZ(input I, input T, output O);
  assign O = T ? 1'bz : I;
endmodule

module BB(input I, input T, output O, inout B);
  assign B = T ? 1'bz : I;
  assign O = B;
endmodule

module FD1S3AX(input CK, input D, output reg Q);
  initial Q = 0;
  always @(posedge CK) Q <= D;
endmodule

module OFS1P3DX(input SCLK, input SP, input CD, input D, output reg Q);
  initial Q = 0;
  always @(posedge SCLK) if (CD) Q <= 0; else if (SP) Q <= D;
endmodule

// D0 leaves while the clock is high, D1 while it is low, a cycle after both were taken.
module ODDRX1F(input SCLK, input RST, input D0, input D1, output Q);
  reg first = 0, second = 0;
  always @(posedge SCLK) begin
    first <= RST ? 1'b0 : D0;
    second <= RST ? 1'b0 : D1;
  end
  assign Q = SCLK ? first : second;
endmodule

module DCCA(input CLKI, input CE, output CLKO);
  assign CLKO = CLKI & CE;
endmodule

// The accelerator's clock is CLKOP of its PLL. That of the screen has its feedback there, and its clocks at the other outputs.
module EHXPLLL(
  input CLKI, CLKFB, RST, STDBY, PLLWAKESYNC, ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
  input PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
  output CLKOP, CLKOS, CLKOS2, CLKOS3, LOCK, INTLOCK, REFCLK, CLKINTFB
);
  parameter FEEDBK_PATH = "CLKOP";
  parameter CLKI_DIV = 1, CLKFB_DIV = 1;
  parameter CLKOP_DIV = 1, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0, CLKOP_ENABLE = "ENABLED";
  parameter CLKOS_DIV = 1, CLKOS_CPHASE = 0, CLKOS_FPHASE = 0, CLKOS_ENABLE = "DISABLED";
  parameter CLKOS2_DIV = 1, CLKOS2_CPHASE = 0, CLKOS2_FPHASE = 0, CLKOS2_ENABLE = "DISABLED";
  assign CLKOP = firebrick.sync_clk;
  assign CLKOS = firebrick.pixel_clk;
  assign CLKOS2 = firebrick.tmds_clk;
  assign LOCK = 1'b1;
endmodule
