# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator on a bus: AXI4-Stream for frames and scores, AXI4-Lite or Wishbone for registers."""
