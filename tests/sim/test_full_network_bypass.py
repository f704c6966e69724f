# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""SqueezeNet v1.0 with each kind of bypass in the paper's Section 6: whole frames through the Verilated hardware."""

from dataclasses import replace

import numpy as np
import pytest

from firebrick.sim.full_network import faults, simulate
from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Bypass
from firebrick.sw.network.metaparameters import Metaparameters
from firebrick.sw.utils.progress import no_progress
from tests.helpers.random_models import random_model

LANES = 320


@pytest.mark.slow
@pytest.mark.parametrize("bypass", [Bypass.SIMPLE, Bypass.COMPLEX])
def test_squeezenet_with_bypass_computes_whole_frames(bypass: Bypass) -> None:
    model = random_model(np.random.default_rng(0), Metaparameters(bypass=bypass).network(), bits=6, density=0.33)
    model = replace(model, preprocessing=Preprocessing(256, (104.0, 117.0, 123.0)))
    report = simulate(model, LANES, photographs(), 2, no_progress)
    assert faults(report) == []
    assert (report["scores"], report["mismatches"]) == (2000, 0)
