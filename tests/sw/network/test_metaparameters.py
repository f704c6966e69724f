# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The paper's design space: SqueezeNet v1.0 is its default, and sizes are those that the paper prints."""

import dataclasses
import json
from itertools import combinations

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.cli.main import main
from firebrick.sw.errors import FirebrickError
from firebrick.sw.network.graph import Bypass, Conv, Fire, Shape
from firebrick.sw.network.metaparameters import Metaparameters, float_bytes, megabytes
from firebrick.sw.network.presets import squeezenet1_0

FIRES_V1_0 = [16, 16, 32, 32, 48, 48, 64, 64]


def fires(**metaparameters: object) -> list[Fire]:
    return [stage for stage in Metaparameters(**metaparameters).network().stages if isinstance(stage, Fire)]  # type: ignore[arg-type]


def size(**metaparameters: object) -> int:
    return float_bytes(Metaparameters(**metaparameters).network())  # type: ignore[arg-type]


@pytest.mark.parametrize(("classes", "side"), [(1000, 227), (7, 96)])
def test_defaults_are_squeezenet_v1_0(classes: int, side: int) -> None:
    assert Metaparameters().network(classes, side, side) == squeezenet1_0(side, classes)


@pytest.mark.parametrize(
    ("metaparameters", "printed"),
    [
        ({"sr": 0.125}, 4.8),
        ({"sr": 0.5}, 13),
        ({"sr": 0.75}, 19),
        ({"sr": 0.5, "pct3x3": 0.01}, 5.7),
        ({"sr": 0.5, "pct3x3": 0.5}, 13),
        ({"sr": 0.5, "pct3x3": 0.99}, 21),
        ({"bypass": Bypass.NONE}, 4.8),
        ({"bypass": Bypass.SIMPLE}, 4.8),
    ],
)
def test_sizes_are_those_of_fig_3_and_table_3(metaparameters: dict[str, object], printed: float) -> None:
    assert megabytes(size(**metaparameters)) == printed


def test_complex_bypass_is_smaller_than_table_3_says_to_the_byte() -> None:
    """Table 3 prints 7.7 MB. Fig. 2 has four 1x1 convolutions, 6.1 MB; eight would give 8.0. All choices for 7.7 leave out fire5's."""
    fig2 = {"fire2": 12_416, "fire4": 33_024, "fire6": 98_688, "fire8": 197_120}
    others = {"fire3": 16_512, "fire5": 65_792, "fire7": 147_840, "fire9": 262_656}
    assert size(bypass=Bypass.COMPLEX) == 4 * (1_248_424 + sum(fig2.values())) == 6_358_688
    assert megabytes(6_358_688) == 6.1
    every = 4 * (1_248_424 + sum((fig2 | others).values()))
    assert (every, megabytes(every)) == (8_329_888, 8.0)
    left_out = [chosen for count in range(9) for chosen in combinations((fig2 | others).items(), count)]
    fit = [{name for name, _ in chosen} for chosen in left_out if megabytes(every - 4 * sum(n for _, n in chosen)) == 7.7]
    assert fit == [{"fire5"}, {"fire2", "fire5"}, {"fire3", "fire5"}]


def test_bypass_goes_where_fig_2_has_it() -> None:
    none, simple, complex_ = Bypass.NONE, Bypass.SIMPLE, Bypass.COMPLEX
    assert [fire.bypass for fire in fires()] == [none] * 8
    assert [fire.bypass for fire in fires(bypass=simple)] == [none, simple] * 4
    assert fires(bypass="complex") == fires(bypass=complex_)
    assert [fire.bypass for fire in fires(bypass=complex_)] == [complex_, simple] * 4
    assert [fire.bypass for fire in fires(bypass=simple, base_e=96, incr_e=0)] == [simple] * 8


def test_filters_follow_section_5_1() -> None:
    modules = fires(base_e=100, incr_e=30, freq=3, pct3x3=0.25, sr=0.3)
    assert [fire.expand1x1 + fire.expand3x3 for fire in modules] == [100, 100, 100, 130, 130, 130, 160, 160]
    assert [fire.expand3x3 for fire in modules] == [25, 25, 25, 33, 33, 33, 40, 40]  # 32.5 goes up
    assert [fire.squeeze for fire in modules] == [30, 30, 30, 39, 39, 39, 48, 48]


def test_halves_go_up_as_the_decimals_say() -> None:
    assert fires(base_e=100, incr_e=0, pct3x3=0.145)[0].expand3x3 == 15  # in binary, 0.145 * 100 is below 14.5
    assert fires(base_e=3, incr_e=0, sr=0.01)[0].squeeze == 1


def test_small_networks_have_the_requested_stages() -> None:
    small = Metaparameters(base_e=24, sr=0.25, fires=2, conv1=(12, 5, 1), pools=(3,)).network(10, 8, 8, channels=1)
    assert small.input == Shape(1, 8, 8)
    assert small.stages[0] == Conv("conv1", 12, 5)
    assert [stage.name for stage in small.stages] == ["conv1", "fire2", "fire3", "pool3", "conv10", "pool10"]
    assert small.name == "squeezenet_base_e_24_sr_0.25_fires_2_conv1_12-5-1_pools_3"


@given(
    st.builds(
        Metaparameters,
        base_e=st.integers(1, 600),
        incr_e=st.integers(0, 300),
        pct3x3=st.floats(0, 1),
        freq=st.integers(1, 9),
        sr=st.floats(0, 1, exclude_min=True),
        bypass=st.sampled_from(list(Bypass)),
    )
)
def test_every_point_is_a_legal_network_with_unrounded_totals(point: Metaparameters) -> None:
    network = point.network(classes=3, height=96, width=64)
    network.verify()
    for index, fire in enumerate(stage for stage in network.stages if isinstance(stage, Fire)):
        expand = fire.expand1x1 + fire.expand3x3
        assert expand == point.base_e + point.incr_e * (index // point.freq)
        assert abs(fire.expand3x3 - point.pct3x3 * expand) <= 0.5 + 1e-9
        assert fire.squeeze == 1 or abs(fire.squeeze - point.sr * expand) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"base_e": 0}, "base_e must be 1 to 65535, not 0"),
        ({"incr_e": -1}, "incr_e must be 0 to 65535, not -1"),
        ({"freq": 0}, "freq must be 1"),
        ({"fires": 0}, "fires must be 1 to 8, not 0"),
        ({"fires": 9}, "fires must be 1 to 8, not 9"),
        ({"conv1": (0, 3, 1)}, "conv1's filters, kernel and stride must be 1 to 65535"),
        ({"pools": (4, 1)}, "pools must be stages from 1 to 9 in order"),
        ({"pools": (1, 1)}, "pools must be stages from 1 to 9 in order"),
        ({"pools": (10,)}, "pools must be stages from 1 to 9 in order"),
        ({"fires": 2, "pools": (4,)}, "pools must be stages from 1 to 3 in order"),
        ({"pct3x3": 1.01}, "pct3x3 must be 0 to 1, not 1.01"),
        ({"pct3x3": float("nan")}, "pct3x3 must be 0 to 1, not nan"),
        ({"sr": 0.0}, "sr must be above 0"),
        ({"sr": float("inf")}, "sr must be above 0"),
        ({"bypass": "both"}, "bypass must be one of none, simple, complex, not both"),
        ({"base_e": 60000, "incr_e": 10000}, "fire9 must have at most 65535 expand filters, not 90000"),
    ],
)
def test_metaparameters_reject(bad: dict[str, object], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        Metaparameters(**bad).network()  # type: ignore[arg-type]


def test_metaparameters_reject_an_image_too_small_for_three_pools() -> None:
    with pytest.raises(FirebrickError, match="3x3 pooling does not fit"):
        Metaparameters().network(height=20)


@pytest.mark.parametrize(
    ("tenths", "printed"), [(0, 0), (1, 0.1), (2**20, 1.0), (2**20 + 1, 1.1), (10 * 2**20, 10.0), (10 * 2**20 + 1, 11.0)]
)
def test_megabytes_round_up_as_ls_does(tenths: int, printed: float) -> None:
    assert megabytes(tenths) == printed


def test_command_prints_the_table_and_its_json() -> None:
    options = ["network", "--sr", "0.25", "--bypass", "complex", "--classes", "10", "--input", "96x128"]
    result = CliRunner().invoke(main, [*options, "--json"], catch_exceptions=False)
    document = json.loads(result.stdout)
    network = Metaparameters(sr=0.25, bypass=Bypass.COMPLEX).network(10, 96, 128)
    assert (document["network"], document["classes"]) == ("squeezenet_sr_0.25_bypass_complex", 10)
    assert document["input"] == {"channels": 3, "height": 96, "width": 128}
    assert document["parameters"] == sum(stage["parameters"] for stage in document["stages"]) == float_bytes(network) / 4
    assert document["macs"] == sum(layer.macs for layer in network.layers())
    table = CliRunner().invoke(main, options, catch_exceptions=False).stdout
    assert f"{document['parameters']:,}" in table
    assert "complex" in table
    assert "bypass" not in CliRunner().invoke(main, ["network"], catch_exceptions=False).stdout


@pytest.mark.parametrize("wrong", [["--input", "227"], ["--input", "0x5"], ["--input", "axb"], ["--bypass", "both"], ["--classes", "0"]])
def test_command_rejects_wrong_arguments(wrong: list[str]) -> None:
    result = CliRunner().invoke(main, ["network", *wrong])
    assert (result.exit_code, result.stdout) == (2, "")


def test_command_names_what_is_out_of_range() -> None:
    result = CliRunner().invoke(main, ["network", "--sr", "2"])
    assert (result.exit_code, result.stderr) == (1, "Error: sr must be above 0 and at most 1, not 2.0\n")


def test_names_list_the_differences() -> None:
    assert Metaparameters(freq=3, sr=0.5).name == "squeezenet_freq_3_sr_0.5"
    assert dataclasses.replace(Metaparameters(), bypass=Bypass.SIMPLE).name == "squeezenet_bypass_simple"
