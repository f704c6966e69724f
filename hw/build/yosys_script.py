# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Yosys script of a design: one for bitstreams and for synthesis out of context."""

READ_COMMANDS = {"il": "read_rtlil", "v": "read_verilog"}
"""How Yosys reads a design, by the suffix of its file."""


def synthesis_script(design: str, top: str, node_modules: str, mapping: str, *, write_netlist: bool) -> str:
    """A script that maps a design to cells and counts them in TOP.stat.json.

    The modules of the plan's nodes, whose names begin with ``node_modules``, are kept, and what is inside them is flattened. So cells
    can be counted by node, and Yosys takes less time and memory.

    Parameters
    ----------
    design: the file with the design, RTLIL (.il) or Verilog (.v)
    top: the name of its top module
    node_modules: the prefix of the nodes' module names
    mapping: the commands that map the design to the family's cells
    write_netlist: write TOP.json too, for place and route
    """
    return "".join(
        f"{line}\n"
        for line in (
            f"{READ_COMMANDS[design.rpartition('.')[2]]} {design}",
            f"hierarchy -top {top}",
            f"setattr -mod -set keep_hierarchy 1 {node_modules}*",
            f"setattr -mod -unset keep_hierarchy {node_modules}*.*",
            mapping,
            *(["hierarchy -check"] if write_netlist else []),
            "blackbox =A:whitebox",  # models of cells, so that they are counted as cells
            f"tee -q -o {top}.stat.json stat -json",
            *([f"write_json {top}.json"] if write_netlist else []),
        )
    )
