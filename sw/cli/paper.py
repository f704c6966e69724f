# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick paper`: the SqueezeNet paper's tables, reproduced."""

from pathlib import Path

import click

from .common import json_option, print_json, print_tables
from .output_paths import OutputFile


@click.command("paper")
@click.option("-o", "--output", type=OutputFile(), metavar="FILE.html", help="Write an HTML page.")
@click.option("--net", type=click.Path(path_type=Path), metavar="NET", help="The authors' Deep Compression file, for a column of Table 1.")
@json_option
def command(output: Path | None, net: Path | None, as_json: bool) -> None:
    """Reproduce the SqueezeNet paper's tables: Tables 1 to 3, and the sizes of Fig. 3.

    Shows the paper's figures beside ours and explains each difference. Accuracies that need training on ImageNet are quoted; `firebrick
    table2` measures some on your images. The JSON document has a section for each table: {title, columns, rows, notes}, rows by column
    name.

    \b
    Example: firebrick paper -o paper.html
    """
    from ..importers.deep_compression import import_net
    from ..reports.paper.html import paper_page, text_table
    from ..reports.paper.tables import sections
    from ..utils.atomic_files import write_atomically

    tables = sections(import_net(net) if net else None)
    if output:
        write_atomically(output, paper_page(tables).encode())
    if as_json:
        print_json({section.key: section.as_dict() for section in tables})
    elif output:
        click.echo(f"wrote {output}: {', '.join(section.title for section in tables)}")
    else:
        print_tables(*(text_table(section) for section in tables))
