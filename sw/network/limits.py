# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How large a network may be: what the largest FPGAs, the link's packets and the golden model can do (docs/numerics.md, "Limits").

Files are read from anywhere, so each of these is checked before anything of that size is allocated.
"""

STAGES_MAX = 256
"""Stages. Each is at least one engine; the largest FPGA that `sw/fpga/devices.py` lists has room for some hundred."""
SIDE_MAX = 65535
"""Rows or columns of a map, channels of a map, filters and classes: 16 bits in the device descriptor and in packets of scores."""
MAP_VALUES_MAX = 1 << 24
"""Values of a feature map, 16 MB; SqueezeNet's largest has 1.2 million. The golden model holds some copies of a map."""
KERNEL_MAX = 31
"""Rows of a kernel, and the stride. A line buffer keeps kernel + stride rows in block RAM."""
WEIGHTS_MAX = 1 << 23
"""Weights of all layers together; SqueezeNet has 1.2 million. The largest FPGA listed has 5 MB of block RAM."""
MACS_MAX = 1 << 36
"""Multiply-accumulates of a frame, 80 times SqueezeNet's: minutes for the golden model."""
IM2COL_VALUES_MAX = 1 << 28
"""Input channels x kernel^2 x output positions of a layer: the operand of its matrix product, 1 GB in the float network."""
NAME_MAX = 255
"""Characters in the name of a network."""
RESIZE_MAX = 8192
"""Pixels of an image's short side before the central crop."""
