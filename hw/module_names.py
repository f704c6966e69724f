# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Names of modules and instances, for everything that looks them up in netlists, timing reports and tool scripts."""

from ..sw.plan.nodes import DownsizerSpec, Node, SerializerSpec

TOP = "firebrick"
"""The top module."""
DEVICE_PREFIX = "device."
"""Prefix of the names of nets inside the linked accelerator of a board's design."""
PIPELINE_PREFIX = f"{DEVICE_PREFIX}accelerator.pipeline."
"""Prefix of the names of nets inside the pipeline's nodes."""
NODE_MODULE_PREFIX = f"{TOP}.{PIPELINE_PREFIX}"
"""Prefix of the names of the nodes' modules in a board's design."""
COMPONENT_NODE_MODULE_PREFIX = f"{TOP}.component.pipeline."
"""The same in the design of a single component, see hw/codegen/top.py."""
DESCRIPTOR_MEMORY = f"{DEVICE_PREFIX}link.transmitter.identity"
"""The memory that holds the device descriptor of a reloadable bitstream."""
LUT_MULTIPLIER_PREFIX = "lut_multiplier_"
"""Prefix of the names of LUT multipliers' instances; the ECP5 flow maps these to carry chains."""
LUT_ROM_PREFIX = "lut_rom_"
"""Prefix of the names of read-only memories in look-up tables that the ECP5 flow maps one by one."""
FAST_MULTIPLIER_PREFIX = "fast_multiplier_"
"""Prefix of the names of instances of multipliers at twice the clock; the ECP5 flow puts their registers into the DSP block."""
FAST_CLOCK = "fast_clk"
"""The name of the net of the clock of domain ``fast``."""
FAST_READ_WORD = "fast_read_word"
"""The name of the register behind a line buffer that is read at twice the clock; the ECP5 flow puts it into the block RAM."""
PRODUCT_REGISTER_PREFIX = "multiplier_output_"
"""Prefix of the names of the registers at multipliers' outputs; the iCE40 flow keeps these outside the multiplier."""


def module_name(node: Node, index: int) -> str:
    """The name of the module of a node; ``index`` is its position in the order of ``walk``."""
    match node:
        case DownsizerSpec():
            return f"downsizer_{index}"
        case SerializerSpec():
            return f"serializer_{index}"
        case _:
            return node.name.replace("/", "_")


def partition_module(index: int) -> str:
    """The name of the module of an engine's partition, within the engine's module."""
    return f"partition_{index}"
