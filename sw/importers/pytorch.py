# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network of the family from a PyTorch module, by way of PyTorch's own ONNX exporter."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.utils.distribution import install_extra

from .normalisation import TORCH, Normalisation
from .onnx.importer import onnx_model

if TYPE_CHECKING:
    import torch

_REASON_MAX = 300
_WRAPPERS = {"_orig_mod.": "torch.compile", "module.": "DataParallel"}
"""Prefixes of names in the state dicts of wrapped modules."""


def from_module(
    module: "torch.nn.Module",
    size: tuple[int, int] = (224, 224),
    normalisation: Normalisation = TORCH,
    labels: Sequence[str] | None = None,
) -> FloatModel:
    """The network of a module that maps images (n, 3, rows, columns) to scores, such as torchvision's SqueezeNets.

    Args:
        module: of floats of any type; compiled, parallel or exported modules, too. It is exported in evaluation mode; its training mode
            is restored afterwards.
        size: rows and columns of an image.
        normalisation: how images are normalised before the module sees them.
        labels: names of the classes; None for ImageNet's where there are 1000 classes.

    Raises FirebrickError when the package torch is missing, the module cannot be exported, or is not of the family.
    """
    try:
        import torch
    except ImportError as error:
        raise FirebrickError(f"PyTorch modules need the package torch; {install_extra('train')}") from error
    inner = _unwrapped(module)
    name = type(inner).__name__
    file: Any = io.BytesIO()  # accepted, but missing in torch's annotations
    parameter = next((one for one in inner.parameters() if one.is_floating_point()), torch.zeros(()))
    image = torch.zeros(1, 3, *size, device=parameter.device, dtype=parameter.dtype)
    try:
        with warnings.catch_warnings(), torch.no_grad(), _evaluation_mode(inner):
            warnings.simplefilter("ignore")  # the exporter recommends its successor, which needs more packages
            torch.onnx.export(inner, (image,), file, dynamo=False, training=torch.onnx.TrainingMode.PRESERVE)
    except Exception as error:  # whatever the module's own code raises
        reason = _whole_sentences(next(iter(str(error).splitlines()), "")) or type(error).__name__
        raise FirebrickError(f"{name} cannot be exported for images of {size[0]}x{size[1]}: {reason}") from error
    return onnx_model(file.getvalue(), name, normalisation, labels)


def _unwrapped(module: Any) -> "torch.nn.Module":
    """The module itself, without what torch.compile, parallel training and torch.export put around it."""
    import torch

    if isinstance(module, torch.export.ExportedProgram):
        module = module.module()
    parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while isinstance(module, parallel) or isinstance(getattr(module, "_orig_mod", None), torch.nn.Module):
        module = module.module if isinstance(module, parallel) else module._orig_mod
    if isinstance(module, torch.nn.Module):
        return module
    if isinstance(module, Mapping):
        prefix = next((one for one in _WRAPPERS if module and all(str(key).startswith(one) for key in module)), None)
        remove = (
            f"; its names begin with {prefix!r}, of {_WRAPPERS[prefix]}: remove that with "
            f"torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, {prefix!r})"
            if prefix
            else ""
        )
        raise FirebrickError(f"a state dict has weights but no layers; load it into its module with load_state_dict, and give that{remove}")
    raise FirebrickError(f"must be given a torch.nn.Module, not a {type(module).__name__}")


@contextmanager
def _evaluation_mode(module: "torch.nn.Module") -> Iterator[None]:
    """Evaluation mode, and afterwards each part's own mode again; a compiled call is left out meanwhile."""
    parts = list(module.modules())
    modes = [part.training for part in parts]
    compiled = [getattr(part, "_compiled_call_impl", None) for part in parts]
    try:
        with suppress(NotImplementedError):  # exported graphs stay in the mode in which they were exported
            module.eval()
        for part, call in zip(parts, compiled, strict=True):
            if call is not None:
                part._compiled_call_impl = None
        yield
    finally:
        for part, training, call in zip(parts, modes, compiled, strict=True):
            part.training = training
            if call is not None:
                part._compiled_call_impl = call


def _whole_sentences(text: str) -> str:
    """The sentences at the start of a text that fit a message; one that alone is too long ends at a word, with dots."""
    if len(text) <= _REASON_MAX:
        return text
    end = text.rfind(". ", 0, _REASON_MAX)
    return text[: end + 1] if end > 0 else f"{text[: text.rfind(' ', 0, _REASON_MAX)]} ..."
