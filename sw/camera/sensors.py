# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The sensors that there are descriptions of, by name."""

from ..errors import FirebrickError
from .ov7670 import OV7670, OV7670_VGA
from .sensor import Sensor

SENSORS = {sensor.name: sensor for sensor in (OV7670, OV7670_VGA)}


def find_sensor(name: str) -> Sensor:
    """The sensor of this name; raises FirebrickError if there is none."""
    if name not in SENSORS:
        raise FirebrickError(f"there is no camera named {name}; the cameras are {', '.join(SENSORS)}")
    return SENSORS[name]
