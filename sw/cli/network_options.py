# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Options for a network of the design space, shared by the commands that build one: its metaparameters."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .common import VerbatimNumbers

if TYPE_CHECKING:
    from ..network.graph import Network


def height_width(_ctx: click.Context, _param: click.Parameter, value: str | None) -> VerbatimNumbers | None:
    """Rows and columns, both 1 to 65535, of an option such as 227x227; None stays None."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(1 <= length <= 65535 for length in size):
        raise click.BadParameter(f"must be rows x columns, such as 227x227, not {value!r}")
    return VerbatimNumbers(size, value)


def _conv1(_ctx: click.Context, _param: click.Parameter, value: str) -> VerbatimNumbers:
    """Filters, kernel and stride of an option such as 96,7,2."""
    match = re.fullmatch(r"(\d{1,5}),(\d{1,5}),(\d{1,5})", value)
    if not match:
        raise click.BadParameter(f"must be filters, kernel and stride, such as 96,7,2, not {value!r}")
    return VerbatimNumbers((int(number) for number in match.groups()), value)


def _pools(_ctx: click.Context, _param: click.Parameter, value: str) -> VerbatimNumbers:
    """Numbers of stages, such as 1,4,8, or `none`."""
    if value == "none":
        return VerbatimNumbers((), value)
    if not re.fullmatch(r"\d{1,2}(,\d{1,2})*", value):
        raise click.BadParameter(f"must be numbers of stages, such as 1,4,8, or none, not {value!r}")
    return VerbatimNumbers((int(stage) for stage in value.split(",")), value)


_OPTIONS = (
    click.option("--base-e", type=int, default=128, show_default=True, help="Expand filters of the first Fire module."),
    click.option("--incr-e", type=int, default=128, show_default=True, help="Expand filters added after every FREQ modules."),
    click.option("--pct3x3", type=float, default=0.5, show_default=True, help="Fraction of expand filters that are 3x3, 0 to 1."),
    click.option("--freq", type=int, default=2, show_default=True, help="Consecutive Fire modules with the same width."),
    click.option("--sr", type=float, default=0.125, show_default=True, help="Squeeze filters per expand filter, above 0 to 1."),
    click.option(
        "--bypass",
        type=click.Choice(["none", "simple", "complex"]),
        default="none",
        show_default=True,
        help="See Section 6, Fig. 2.",
    ),
    click.option("--fires", type=int, default=8, show_default=True, help="Number of Fire modules, 1 to 8."),
    click.option("--conv1", callback=_conv1, default="96,7,2", show_default=True, metavar="F,K,S", help="Filters, kernel and stride."),
    click.option("--pools", callback=_pools, default="1,4,8", show_default=True, metavar="N,N,...", help="Stages with a pool, or none."),
    click.option("--input", "size", callback=height_width, default="227x227", show_default=True, metavar="HxW", help="Rows x columns."),
    click.option("--grey", is_flag=True, help="Grey images: one channel instead of three."),
)
NAMES = ("base_e", "incr_e", "pct3x3", "freq", "sr", "bypass", "fires", "conv1", "pools", "size", "grey")
"""Names of the parameters that `family_options` passes to a command."""


def family_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command that builds a network of the design space."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def family_network(classes: int, *, bypass: str, size: tuple[int, int], grey: bool, **metaparameters: Any) -> "Network":
    """The network that the options describe; raises FirebrickError when they do not fit together."""
    from ..network.graph import Bypass
    from ..network.metaparameters import Metaparameters

    return Metaparameters(bypass=Bypass(bypass), **metaparameters).network(classes, *size, channels=1 if grey else 3)
