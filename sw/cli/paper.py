# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick paper`: the SqueezeNet paper's tables, made again."""

from pathlib import Path

import click

from .common import json_option, print_json, print_tables


@click.command("paper")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.html", help="Write a page of HTML.")
@click.option("--net", type=click.Path(path_type=Path), metavar="NET", help="The authors' Deep Compression file, to count beside Table 1.")
@json_option
def command(output: Path | None, net: Path | None, as_json: bool) -> None:
    """Make the SqueezeNet paper's tables again: Tables 1 to 3, and the sizes of Fig. 3.

    The paper's figure, ours, and what lies between, explained. Accuracies that need training on ImageNet are quoted; `firebrick table2`
    measures some on pictures of yours. The JSON document has a section for each table: {title, columns, rows, notes}, rows by column name.

    \b
    Example: firebrick paper -o paper.html
    """
    from ..importers.deep_compression import import_net
    from ..reports.paper.html import paper_page, text_table
    from ..reports.paper.tables import sections
    from ..utils.atomic_files import write_atomically

    found = sections(import_net(net) if net else None)
    if output:
        write_atomically(output, paper_page(found).encode())
    if as_json:
        print_json({section.key: section.as_dict() for section in found})
    elif output:
        click.echo(f"wrote {output}: {', '.join(section.title for section in found)}")
    else:
        print_tables(*(text_table(section) for section in found))
