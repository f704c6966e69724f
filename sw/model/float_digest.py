# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The digest of a float network, which tells whether a checkpoint or a stored result still belongs to a task."""

import hashlib
from typing import TYPE_CHECKING

from .float_model import FloatModel

if TYPE_CHECKING:
    from hashlib import _Hash


def float_digest(model: FloatModel, *context: object) -> "_Hash":
    """A running SHA-256 of the repr of the tuple ``context`` and of all parameters, which callers may update with more.

    Checkpoints and result stores hold these digests: the order and form of what is hashed must not change.
    """
    digest = hashlib.sha256(repr(context).encode())
    for name, weights in model.weights.items():
        digest.update(weights.tobytes() + model.biases[name].tobytes())
    return digest
