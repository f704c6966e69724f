# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The command line: it only parses arguments, calls the packages below it and prints."""

import errno
import signal
from typing import Any

import click

from ..errors import FirebrickError
from ..utils.distribution import VERSION
from ..utils.logging_setup import logging_to_stderr
from ..utils.signals import exit_on_signals
from . import (
    bitstream,
    boards,
    camera,
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

INTERRUPTED = 128 + signal.SIGINT
"""The exit status after Ctrl-C, as shells have it."""


class _Commands(click.Group):
    """A group that ends a user's mistake with one sentence on stderr, and Ctrl-C without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with exit_on_signals():
                return super().invoke(ctx)
        except FirebrickError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of stdout has gone, as in `firebrick ... | head`; click exits without a message
                raise
            raise click.ClickException(f"the system refuses {error.filename or 'output'}: {error.strerror}") from error
        except MemoryError as error:
            raise click.ClickException("there is not enough memory for that; choose something smaller") from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("-v", "--verbose", count=True, help="Log to stderr what runs, what the driver sends and what is cached; -vv logs more.")
@click.version_option(VERSION, prog_name="firebrick")
@click.pass_context
def main(context: click.Context, verbose: int) -> None:
    """SqueezeNet on an FPGA, with every weight on the chip.

    `import` compresses a pretrained network to an integer model; `verilog` and `bitstream` generate its hardware; `classify`, `stream` and
    `serve` run it on images: in the integer golden model, in simulation or on a board. Each command has --help with an example, and --json.
    """
    context.with_resource(logging_to_stderr(verbose))


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
    camera.command,
    prove.command,
    swap.command,
    program.command,
    demo.command,
    devices.command,
    link.command,
):
    main.add_command(command)
