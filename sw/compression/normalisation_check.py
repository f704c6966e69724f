# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How a network's training normalised images, where its file does not say: measured on images, without labels.

A network that sees images as in its training tells the same class for an image X and its mirror image X', with a confidence that it
keeps. With Y' the most likely class of X', and q(y|x) the softmax of the scores, the mutual information of Y' and X is at least
(Barber and Agakov, 2003, "The IM algorithm")

    I(Y'; X)  >=  H(Y') + E[log2 q(Y'|X)]    bits.

Scores that are too small, as of inputs divided by a standard deviation twice, have a small q for every class; scores that are too large
are sure of different classes for X and X'; a network that says the same of all images has an H(Y') of zero. Confidence alone, or the
agreement of X and X' alone, would take one of these for right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.images import read_images
from ..errors import FirebrickError
from ..golden import floating
from ..importers.normalisation import ASSUMED, CONVENTIONS, Normalisation, describe
from ..model.float_model import FloatModel
from ..model.frames import mirrored
from ..utils.progress import Progress, no_progress

MAX_IMAGES = 12
"""Images that are looked at, evenly spaced; each is run twice for each convention."""
MAX_SIDE = 128
"""Larger networks are run on smaller images, as a network of the family takes any size: at 224 rows, in a third of the time."""
_UNIFORM = 1 / 16
"""Share of the uniform distribution in q."""
_MIN_BITS = 0.5
"""With less information, a network is not taken to tell classes apart."""
_MIN_LEAD_BITS = 1.0
_MIN_LEAD_ERRORS = 2.0
"""A convention is better than another only if it leads by as many bits, and by as many standard errors of the difference."""
Loader = Callable[[Normalisation], FloatModel]
"""Imports the network with a normalisation."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the images say about one convention."""

    convention: str
    bits: float
    """The lower bound of the mutual information; at most the entropy of the classes that were told, negative for a wrong convention."""
    losses: NDArray[np.float64]
    """-log2 q(Y'|X) of each image."""

    def leads(self, other: "Evidence") -> bool:
        """Whether this convention is clearly better."""
        differences = other.losses - self.losses
        error = float(differences.std()) / max(1.0, np.sqrt(len(differences) - 1))
        return bool(self.bits - other.bits > max(_MIN_LEAD_BITS, _MIN_LEAD_ERRORS * error))


@dataclass(frozen=True, eq=False)
class Verdict:
    """The convention to use."""

    convention: str
    sure: bool
    """The images show it: the network tells classes apart under it, and no convention is better."""
    message: str
    """One or two sentences about what was found."""
    evidence: tuple[Evidence, ...]
    """Of every convention, the best first."""


def check_normalisation(
    name: str, assumed: str, load: Loader, images: Sequence[Path], progress: Progress = no_progress
) -> tuple[FloatModel, Verdict]:
    """The network under the convention that fits the images, and what was found.

    Args:
        name: that of the network, for messages.
        assumed: the convention that holds unless another one is clearly better, a key of ``CONVENTIONS``.
        load: imports the network.
        images: at most MAX_IMAGES of them are looked at.
        progress: is called for each convention.

    Raises FirebrickError when an image cannot be read.
    """
    images = [images[index] for index in np.unique(np.linspace(0, len(images) - 1, min(len(images), MAX_IMAGES)).astype(int))]
    models: dict[str, FloatModel] = {}
    found = []
    for index, (convention, normalisation) in enumerate(CONVENTIONS.items()):
        progress("trying normalisations", index, len(CONVENTIONS))
        try:
            models[convention] = load(replace(normalisation, assumed=True))
        except FirebrickError:  # for instance three standard deviations for a grey network
            continue
        found.append(_measure(convention, models[convention], images))
    progress("trying normalisations", len(CONVENTIONS), len(CONVENTIONS))
    verdict = _judge(name, assumed, tuple(sorted(found, key=lambda evidence: -evidence.bits)), len(images))
    model = models[verdict.convention]
    if verdict.sure:
        origin = f"{model.metadata['normalisation'].removesuffix(ASSUMED)}, as measured on {len(images)} images"
        model = replace(model, metadata={**model.metadata, "normalisation": origin})
    return model, verdict


def _measure(convention: str, model: FloatModel, images: Sequence[Path]) -> Evidence:
    model = _reduced(model)
    frames = read_images(images, model.preprocessing, model.network.input)
    views = [_log2_softmax(floating.run(model, view)) for view in (frames, mirrored(frames, model.preprocessing))]
    classes = [view.argmax(axis=1) for view in views]
    rows = np.arange(len(frames))
    losses = -(_mixed(views[0][rows, classes[1]], views[0]) + _mixed(views[1][rows, classes[0]], views[1])) / 2  # both ways round
    _, counts = np.unique(np.concatenate(classes), return_counts=True)
    shares = counts / counts.sum()
    return Evidence(convention, float(-(shares * np.log2(shares)).sum() - losses.mean()), losses)


def _reduced(model: FloatModel) -> FloatModel:
    """The network for smaller images, cropped alike."""
    shape = model.preprocessing.image_shape(model.network.input)
    scale = MAX_SIDE / max(shape.height, shape.width)
    if scale >= 1:
        return model
    smaller = replace(shape, height=max(1, round(shape.height * scale)), width=max(1, round(shape.width * scale)))
    network = replace(model.network, input=model.preprocessing.frame_shape(smaller))
    try:
        network.verify()
    except FirebrickError:  # too small for the pools
        return model
    return replace(model, network=network, preprocessing=replace(model.preprocessing, resize=round(model.preprocessing.resize * scale)))


def _log2_softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    exponents = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = (exponents - np.log(np.exp(exponents).sum(axis=1, keepdims=True))) / np.log(2)
    return result


def _mixed(log2_q: NDArray[np.float64], view: NDArray[np.float64]) -> NDArray[np.float64]:
    """log2 of q mixed with a little of the uniform distribution: the bound holds for any q, and one image weighs only so much."""
    result: NDArray[np.float64] = np.log2((1 - _UNIFORM) * 2**log2_q + _UNIFORM / view.shape[1])
    return result


def _judge(name: str, assumed: str, evidence: tuple[Evidence, ...], images: int) -> Verdict:
    best = evidence[0]
    prior = next(one for one in evidence if one.convention == assumed)
    chosen = best if best.bits > _MIN_BITS and best.leads(prior) else prior
    figures = ", ".join(f"{one.convention} {one.bits:.1f}" for one in evidence[:4])
    intro = f"{name} does not say how training normalised images"
    measured = f"bits about the class that {images} images give: {figures}"
    if chosen.bits <= _MIN_BITS:
        advice = (
            f"under no usual convention is it sure of anything ({measured}); {assumed} is assumed. Give --normalisation, or --mean, --std"
        )
        return Verdict(chosen.convention, False, f"{intro}, and {advice}", evidence)
    if chosen is not best:
        advice = f"the images do not decide ({measured}); {assumed} is assumed. Give --normalisation, or more images with --calibrate"
        return Verdict(chosen.convention, False, f"{intro}, and {advice}", evidence)
    fits = f"{chosen.convention} fits best ({describe(CONVENTIONS[chosen.convention])}; {measured})"
    return Verdict(chosen.convention, True, f"{intro}; {fits}. Give --normalisation to say it yourself", evidence)
