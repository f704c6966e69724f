# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Firebrick: FPGA accelerators for the SqueezeNet family, with every weight on the chip.

`import_network` reads a pretrained `Network`, which compresses to a `Model`; `load` reads one. A model classifies images, and plans its
accelerator: a `Plan` writes Verilog and builds a `Bitstream`. `open_device` opens a `Device`, which streams frames.

Names are imported from their modules when they are first used, so that `import firebrick` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .sw.errors import FirebrickError
from .sw.utils.distribution import VERSION

if TYPE_CHECKING:
    from .bitstream import Bitstream
    from .device import Device, open_device
    from .model import Model, load, model_names
    from .network import Network, import_network
    from .plan import Engine, Plan, board_names
    from .prediction import Prediction
    from .sw.fpga.resources import Resources
    from .sw.utils.progress import Progress, progress_bar

__version__ = VERSION
__all__ = [
    "Bitstream",
    "Device",
    "Engine",
    "FirebrickError",
    "Model",
    "Network",
    "Plan",
    "Prediction",
    "Progress",
    "Resources",
    "__version__",
    "board_names",
    "import_network",
    "load",
    "model_names",
    "open_device",
    "progress_bar",
]
_MODULES = {
    "Bitstream": "bitstream",
    "Device": "device",
    "Engine": "plan",
    "Model": "model",
    "Network": "network",
    "Plan": "plan",
    "Prediction": "prediction",
    "Progress": "sw.utils.progress",
    "Resources": "sw.fpga.resources",
    "board_names": "plan",
    "import_network": "network",
    "load": "model",
    "model_names": "model",
    "open_device": "device",
    "progress_bar": "sw.utils.progress",
}
"""The module of each name."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
