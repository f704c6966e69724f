# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Per-layer densities for pruning: those of the paper's Table 1."""

from ..errors import FirebrickError
from ..network.graph import Network

_TABLE1 = {  # squeeze1x1, expand1x1, expand3x3
    "fire2": (1.0, 1.0, 0.33),
    "fire3": (1.0, 1.0, 0.33),
    "fire4": (1.0, 1.0, 0.33),
    "fire5": (1.0, 1.0, 0.33),
    "fire6": (1.0, 0.5, 0.33),
    "fire7": (0.5, 1.0, 0.33),
    "fire8": (1.0, 0.5, 0.30),
    "fire9": (0.5, 1.0, 0.30),
}
_CONV10 = 0.2


def table1_densities(network: Network) -> dict[str, float]:
    """The fraction of each layer's weights that SqueezeNet v1.0 keeps in Table 1 (arXiv:1602.07360); they reproduce its last column.

    Raises FirebrickError for a network that has other layers than conv1, fire2 to fire9 and conv10.
    """
    densities = {"conv1": 1.0}
    for fire, values in _TABLE1.items():
        densities.update({f"{fire}/{part}": value for part, value in zip(("squeeze1x1", "expand1x1", "expand3x3"), values, strict=True)})
    densities["conv10"] = _CONV10
    names = [layer.name for layer in network.layers()]
    if names != list(densities):
        raise FirebrickError(f"network {network.name} has other layers than Table 1; give its density as a number")
    return densities
