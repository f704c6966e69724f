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
    """The network of a module that takes pictures (n, 3, rows, columns) and gives scores, torchvision's SqueezeNets among them.

    Args:
        module: it is exported as for inference, and left as it was.
        size: rows and columns of a picture.
        normalisation: what is done to pictures before the module sees them.
        labels: names of the classes; None for ImageNet's where there are 1000.

    Raises FirebrickError when the package torch is missing, the module cannot be exported, or is not of the family.
    """
    try:
        import torch
    except ImportError as error:
        raise FirebrickError("PyTorch modules need the package torch; install it with: pip install 'firebrick[train]'") from error
    name = type(module).__name__
    file: Any = io.BytesIO()  # taken, but not in the annotations of torch
    trained = [each.training for each in module.modules()]
    device = next((each.device for each in module.parameters()), torch.device("cpu"))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the exporter warns of its own successor, which needs more packages
            module.eval()
            torch.onnx.export(module, (torch.zeros(1, 3, *size, device=device),), file, dynamo=False)
    except Exception as error:  # whatever the module's own code raises
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise FirebrickError(f"{name} cannot be exported for pictures of {size[0]}x{size[1]}: {reason[:200]}") from error
    finally:
        for each, training in zip(module.modules(), trained, strict=True):
            each.training = training
    return onnx_model(file.getvalue(), name, normalisation, labels)
