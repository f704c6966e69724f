# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Names that a core may have."""

import re

from pygments.lexers.hdl import SystemVerilogLexer
from pygments.token import Name

from ...sw.errors import FirebrickError


def check_core_name(name: str) -> None:
    """Raise FirebrickError unless a core's modules and files can be called by a name: an identifier of Verilog, C and Python."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise FirebrickError(f"the core's name must begin with a letter, and have letters, digits and underscores only, not be {name!r}")
    kind, _ = next(iter(SystemVerilogLexer().get_tokens(name)))
    if kind not in Name:
        raise FirebrickError(f"the core's name must be no word of Verilog's own, as {name!r} is; take another, such as {name}_core")
