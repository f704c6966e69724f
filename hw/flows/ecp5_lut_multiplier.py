# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""LUT multipliers of the ECP5: carry chains instead of the LUT trees that Yosys would make.

A product of a pixel p, 8 bits unsigned, and a weight w, 9 bits signed with sign bit w8, is added up in three levels::

    row_k   = w[2k] p + 2 w[2k+1] p         k = 0 to 3      4 chains of 10 bits
    sum_0   = row_0 + 4 row_1                               1 chain of 10 bits, above the 2 lowest bits
    sum_1   = row_2 + 4 row_3                               likewise
    all     = sum_0 + 16 sum_1                              1 chain of 12 bits, above the 4 lowest bits
    product = all - 256 w[8] p                              1 chain of 10 bits, above the 8 lowest bits

A cell CCU2C adds two bits, and each of its LUTs ANDs an operand's bit with a bit of the weight on the way: an adder of rows costs no more
than one of numbers. The chains are 4 x 5 + 2 x 5 + 6 + 5 = 41 cells, or 82 LUTs; Yosys' own multiplier takes 340.
"""

from ..module_names import LUT_MULTIPLIER_PREFIX

TECHMAP_VERILOG = """\
(* techmap_celltype = "$mul" *)
module firebrick_lut_multiplier (A, B, Y);  // a pixel, 0 to 255, times a weight of at most 9 bits
  parameter A_SIGNED = 1, B_SIGNED = 1, A_WIDTH = 9, B_WIDTH = 9, Y_WIDTH = 17;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = !A_SIGNED || !B_SIGNED || A_WIDTH != 9 || B_WIDTH > 9;
  wire [7:0] pixel = A[7:0];
  wire [8:0] weight = {{9{B[B_WIDTH-1]}}, B};
  wire [9:0] row_0, row_1, row_2, row_3, top;
  wire [11:0] sum_0, sum_1;
  wire [15:0] all;
  firebrick_adder #(.WIDTH(10)) add_0 (.A({2'b0, pixel}), .B(weight[0]), .C({1'b0, pixel, 1'b0}), .D(weight[1]), .Y(row_0));
  firebrick_adder #(.WIDTH(10)) add_1 (.A({2'b0, pixel}), .B(weight[2]), .C({1'b0, pixel, 1'b0}), .D(weight[3]), .Y(row_1));
  firebrick_adder #(.WIDTH(10)) add_2 (.A({2'b0, pixel}), .B(weight[4]), .C({1'b0, pixel, 1'b0}), .D(weight[5]), .Y(row_2));
  firebrick_adder #(.WIDTH(10)) add_3 (.A({2'b0, pixel}), .B(weight[6]), .C({1'b0, pixel, 1'b0}), .D(weight[7]), .Y(row_3));
  assign sum_0[1:0] = row_0[1:0];
  assign sum_1[1:0] = row_2[1:0];
  firebrick_adder #(.WIDTH(10)) add_4 (.A({2'b0, row_0[9:2]}), .B(1'b1), .C(row_1), .D(1'b1), .Y(sum_0[11:2]));
  firebrick_adder #(.WIDTH(10)) add_5 (.A({2'b0, row_2[9:2]}), .B(1'b1), .C(row_3), .D(1'b1), .Y(sum_1[11:2]));
  assign all[3:0] = sum_0[3:0];
  firebrick_adder #(.WIDTH(12)) add_6 (.A({4'b0, sum_0[11:4]}), .B(1'b1), .C(sum_1), .D(1'b1), .Y(all[15:4]));
  firebrick_adder #(.WIDTH(10), .MINUS(1)) add_7 (.A({2'b0, pixel}), .B(weight[8]), .C({2'b0, all[15:8]}), .D(1'b1), .Y(top));
  wire [17:0] product = {top, all[7:0]};
  assign Y = $signed(product);
endmodule
module firebrick_adder (A, B, C, D, Y);  // (C and D) + (A and B), or minus
  parameter WIDTH = 2, MINUS = 0;
  localparam [15:0] INIT = MINUS ? 16'h8777 : 16'h7888;
  input [WIDTH-1:0] A, C;
  input B, D;
  output [WIDTH-1:0] Y;
  wire [WIDTH:0] carry;
  assign carry[0] = MINUS;
  genvar i;
  generate
    for (i = 0; i < WIDTH; i = i + 2)
      CCU2C #(.INIT0(INIT), .INIT1(INIT), .INJECT1_0("NO"), .INJECT1_1("NO")) pair (
        .CIN(carry[i]), .A0(A[i]), .B0(B), .C0(C[i]), .D0(D), .A1(A[i+1]), .B1(B), .C1(C[i+1]), .D1(D),
        .S0(Y[i]), .S1(Y[i+1]), .COUT(carry[i+2])
      );
  endgenerate
endmodule
"""
"""The techmap rule for ``$mul`` of at most 9 by 9 bits."""
MAP_LUT_MULTIPLIERS = f"""\
design -push
read_verilog <<EOT
{TECHMAP_VERILOG}EOT
design -save lut_multipliers
design -pop
read_verilog -lib +/ecp5/cells_sim.v
techmap -map %lut_multipliers *.{LUT_MULTIPLIER_PREFIX}*/t:$mul"""
"""The Yosys commands that apply it to the multiplication in every ``LutMultiplier``, and to no other."""
