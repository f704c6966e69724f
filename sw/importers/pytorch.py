# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network of the family from a PyTorch module, by way of PyTorch's own ONNX exporter."""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import FloatModel

from .normalisation import TORCH, Normalisation
from .onnx.importer import onnx_model

if TYPE_CHECKING:
    import torch


def from_module(
    module: "torch.nn.Module",
    size: tuple[int, int] = (224, 224),
    normalisation: Normalisation = TORCH,
    labels: Sequence[str] | None = None,
) -> FloatModel:
    """The network of a module that maps images (n, 3, rows, columns) to scores, such as torchvision's SqueezeNets.

    Args:
        module: exported in evaluation mode; its training mode is restored afterwards.
        size: rows and columns of an image.
        normalisation: how images are normalised before the module sees them.
        labels: names of the classes; None for ImageNet's where there are 1000 classes.

    Raises FirebrickError when the package torch is missing, the module cannot be exported, or is not of the family.
    """
    try:
        import torch
    except ImportError as error:
        raise FirebrickError("PyTorch modules need the package torch; install it with: pip install 'firebrick[train]'") from error
    name = type(module).__name__
    file: Any = io.BytesIO()  # accepted, but missing in torch's annotations
    training_modes = [part.training for part in module.modules()]
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the exporter recommends its successor, which needs more packages
            module.eval()
            torch.onnx.export(module, (torch.zeros(1, 3, *size, device=device),), file, dynamo=False)
    except Exception as error:  # whatever the module's own code raises
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise FirebrickError(f"{name} cannot be exported for images of {size[0]}x{size[1]}: {reason[:200]}") from error
    finally:
        for part, training in zip(module.modules(), training_modes, strict=True):
            part.training = training
    return onnx_model(file.getvalue(), name, normalisation, labels)
