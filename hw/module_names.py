# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Names of modules and of their instances, for everything that looks them up in netlists, reports and scripts."""

from ..sw.plan.nodes import DownsizerSpec, Node, SerializerSpec

TOP = "firebrick"
"""The top module."""
DEVICE_PREFIX = "device."
"""How the names of a board's nets begin inside the linked accelerator."""
PIPELINE_PREFIX = f"{DEVICE_PREFIX}accelerator.pipeline."
"""How the names of a board's nets begin inside the pipeline's nodes."""
NODE_MODULE_PREFIX = f"{TOP}.{PIPELINE_PREFIX}"
"""How the names of the nodes' modules begin in a board's design."""
COMPONENT_NODE_MODULE_PREFIX = f"{TOP}.component.pipeline."
"""How they begin in the design of a single component, see hw/codegen/top.py."""
DESCRIPTOR_MEMORY = f"{DEVICE_PREFIX}link.transmitter.identity"
"""The memory that holds the device descriptor of a reloadable bitstream."""
LUT_MULTIPLIER_PREFIX = "soft_product_"
"""How the names of LUT multipliers' instances begin; the ECP5 flow maps these to carry chains."""
PRODUCT_REGISTER_PREFIX = "near_"
"""How the names of the registers at multipliers' outputs begin; the iCE40 flow keeps these outside the multiplier."""


def partition_module(number: int) -> str:
    """The name of the module of an engine's partition, within the engine's module."""
    return f"part_{number}"


def module_name(node: Node, place: int) -> str:
    """What the module of a node is called; ``place`` is its number in the order of ``walk``."""
    match node:
        case DownsizerSpec():
            return f"narrow_{place}"
        case SerializerSpec():
            return f"serial_{place}"
        case _:
            return node.name.replace("/", "_")
