# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The command line: it only parses arguments, calls the rooms and prints."""

import errno
from typing import Any

import click

from ..errors import FirebrickError
from ..utils.signals import exit_on_signals
from . import (
    bitstream,
    boards,
    classify,
    compress,
    demo,
    devices,
    evaluate,
    explore,
    import_network,
    inspect,
    link,
    models,
    network,
    paper,
    program,
    prove,
    serve,
    stream,
    swap,
    table2,
    train,
    verilog,
)

INTERRUPTED = 130


class _Commands(click.Group):
    """A group in which a user's mistake ends in one sentence, and Ctrl-C quietly."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with exit_on_signals():
                return super().invoke(ctx)
        except FirebrickError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of stdout has gone; click ends quietly
                raise
            raise click.ClickException(f"the system refuses {error.filename or 'output'}: {error.strerror}") from error
        except MemoryError as error:
            raise click.ClickException("there is not enough memory for that; choose something smaller") from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="firebrick")
def main() -> None:
    """SqueezeNet on an FPGA, with every weight on the chip.

    A pretrained network becomes a compressed integer model (import), which becomes Verilog (verilog) or a bitstream (bitstream); pictures
    go through the integer golden model or the simulated hardware (classify). Every command has --help with an example, and --json.
    """


for command in (
    models.command,
    network.command,
    paper.command,
    table2.command,
    train.command,
    import_network.command,
    compress.command,
    inspect.command,
    classify.command,
    evaluate.command,
    explore.command,
    stream.command,
    serve.command,
    verilog.command,
    boards.command,
    bitstream.command,
    prove.command,
    swap.command,
    program.command,
    demo.command,
    devices.command,
    link.command,
):
    main.add_command(command)
