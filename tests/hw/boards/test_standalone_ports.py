# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Camera and screen on boards: pins, constraints of every clock, and what a board cannot have."""

import re
from dataclasses import replace
from importlib.util import find_spec

import pytest

from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.standalone_ports import CAMERA_HEADERS, DISPLAY_CONNECTORS, StandalonePorts, prescaler_for
from firebrick.hw.boards.target import Target, find_target
from firebrick.hw.flows.ecp5 import PIXEL_HZ, TMDS_HZ, exact_pll_settings, usb_pll_settings
from firebrick.hw.flows.pll import ECP5_PLL
from firebrick.hw.module_names import TOP
from firebrick.sw.camera.sensors import find_sensor
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.display.settings import DisplayOptions
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fpga.peripherals import CAMERA_PINS, DISPLAY_PINS, OPTIONAL_CAMERA_PINS, Peripherals
from firebrick.sw.fpga.resources import Resources
from tests.helpers.boards import tiny_model

pytestmark = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")


def constraints(board: str, peripherals: Peripherals) -> str:
    """The pins and clocks of a board's design."""
    model = tiny_model()
    target = find_target(board, peripherals=peripherals)
    ports = StandalonePorts(peripherals=peripherals, board=board)
    plan = compile_model(model, 2)
    top = BoardTop(plan=plan, model=model, flow=target.board.flow, frequency=target.clock, link=target.link, ports=ports)
    text: bytes | str = target.board.platform().prepare(top, name=TOP, emit_src=False).files[f"{TOP}.lpf"]
    return text.decode() if isinstance(text, bytes) else text


def clocks(text: str) -> dict[str, float]:
    """Constrained frequencies in MHz, by the last part of a net's or port's name, but for the board's clock and the accelerator's."""
    found = re.findall(r'FREQUENCY (?:NET|PORT) "(?:.*\.)?(\w+)" (.*) HZ;', text)
    return {name: float(hertz) / 1e6 for name, hertz in found if not name.startswith(("clock", "clk"))}


@pytest.mark.parametrize(("board", "display"), [("ulx3s_12f", "hdmi"), ("ecpix5_85f", None)])
def test_every_clock_is_constrained_and_every_pin_has_its_place(board: str, display: str | None) -> None:
    text = constraints(board, Peripherals("ov7670", display))
    assert clocks(text) == {"pixel_clock": 25, "camera_0__pclk__io": 25, **({"tmds_clock": 125} if display else {})}
    for name in (*CAMERA_PINS, *OPTIONAL_CAMERA_PINS):
        assert f'LOCATE COMP "camera_0__{name}__io"' in text
    assert len(re.findall(r"s(?:cl|da)__io\" IO_TYPE=LVCMOS33 PULLMODE=UP", text)) == 2
    sites = re.findall(r'"display_0__(\w+)__io" SITE "(\w+)"', text)
    assert dict(sites) == (DISPLAY_CONNECTORS["ulx3s"] if display else {})
    assert len(re.findall("IO_TYPE=LVCMOS33D", text)) == len(sites)


def test_pins_of_a_file_replace_the_usual_ones() -> None:
    pins = {**CAMERA_HEADERS["ulx3s"], "pclk": "gpio_0:9+", "d0": "C18"}
    del pins["reset"], pins["pwdn"]
    text = constraints("ulx3s_12f", Peripherals("ov7670", pins=(("camera", tuple(pins.items())),)))
    assert 'LOCATE COMP "camera_0__pclk__io" SITE "A2"' in text
    assert 'LOCATE COMP "camera_0__d0__io" SITE "C18"' in text
    assert "camera_0__reset" not in text


@pytest.mark.parametrize(
    ("board", "peripherals", "message"),
    [
        ("ecpix5_85f", Peripherals("ov7670", "hdmi"), "board ecpix5_85f has no usual pins for a display; name them in a file with --pins"),
        ("orangecrab_r0_2_85f", Peripherals("ov7670"), "board orangecrab_r0_2_85f has no usual pins for a camera"),
        ("icebreaker", Peripherals("ov7670"), "board icebreaker has an FPGA of the family iCE40 UltraPlus; a camera needs clocks"),
    ],
)
def test_boards_reject_what_they_cannot_have(board: str, peripherals: Peripherals, message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        find_target(board, peripherals=peripherals)


def test_pins_that_a_board_lacks_are_named() -> None:
    pins = {**CAMERA_HEADERS["ulx3s"], "pclk": "gpio_7:9+"}
    with pytest.raises(
        FirebrickError, match=r"board ulx3s_12f cannot have a camera at these pins: .*gpio_7:9\+.*; name others with --pins"
    ):
        constraints("ulx3s_12f", Peripherals("ov7670", pins=(("camera", tuple(pins.items())),)))


def test_usual_pins_are_all_there_and_each_once() -> None:
    for pins in CAMERA_HEADERS.values():
        assert set(pins) == {*CAMERA_PINS, *OPTIONAL_CAMERA_PINS}
        assert len(set(pins.values())) == len(pins)
    for pins in DISPLAY_CONNECTORS.values():
        assert set(pins) == set(DISPLAY_PINS)


@pytest.mark.parametrize("board_hz", [12_000_000, 25_000_000, 48_000_000, 50_000_000, 100_000_000])
def test_screen_clocks_are_exact(board_hz: int) -> None:
    settings = exact_pll_settings(board_hz, TMDS_HZ, "those of a screen")
    assert settings.vco_hz % TMDS_HZ == settings.vco_hz % PIXEL_HZ == 0
    assert ECP5_PLL.vco_hz[0] <= settings.vco_hz <= ECP5_PLL.vco_hz[1]
    assert usb_pll_settings(board_hz).vco_hz % 48_000_000 == 0


def test_screen_clocks_that_a_board_cannot_make_are_refused() -> None:
    with pytest.raises(FirebrickError, match=r"a clock of 11\.0592 MHz cannot be turned into those of a screen"):
        exact_pll_settings(11_059_200, TMDS_HZ, "those of a screen")


def test_camera_is_as_slow_as_the_network() -> None:
    plan, sensor = compile_model(tiny_model(), 2), find_sensor("ov7670")
    assert prescaler_for(sensor, plan, 50e6) == 1
    slow = replace(plan, name="slow")
    frequency = plan.cycles * 8.0  # 8 frames a second, of a camera of 31
    prescaler = prescaler_for(sensor, slow, frequency)
    assert sensor.frame_seconds(prescaler) * sensor.xclk / PIXEL_HZ >= 1 / 8
    assert prescaler == 4
    with pytest.raises(FirebrickError, match=r"0\.10 frames/s are too slow for the camera, which gives 0\.\d+ at least"):
        prescaler_for(sensor, plan, plan.cycles * 0.1)


def test_planner_leaves_room_for_camera_and_screen() -> None:
    model = tiny_model()
    bare, full = find_target("ulx3s_12f"), find_target("ulx3s_12f", peripherals=Peripherals("ov7670", "hdmi"))
    left = full.available_for(model)
    assert left.luts == bare.available.luts - full.peripherals.resources(model).luts
    assert left.block_rams == bare.available.block_rams
    plan = full.plan(model)
    assert full.resources(plan, model).luts - bare.resources(plan, model).luts == bare.available.luts - left.luts


def test_names_lie_in_block_ram_where_the_plan_leaves_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    model, wanted = tiny_model(), find_target("ulx3s_12f", peripherals=Peripherals("ov7670", "hdmi"))
    target, plan = wanted.place_names(model)
    assert target.peripherals.screen.names_in_block_ram
    assert target.resources(plan, model).block_rams == find_target("ulx3s_12f").resources(plan, model).block_rams + 1
    assert wanted.place_names(model, fps=100)[0] == target
    monkeypatch.setattr(Target, "available", property(lambda _target: Resources(24_000, 0, 28)))
    target, _ = wanted.place_names(model)
    assert not target.peripherals.screen.names_in_block_ram


def led_sites(text: str) -> int:
    """How many LEDs a board's design has."""
    return len(re.findall(r'LOCATE COMP "(?:rgb_)?led_\d+_', text))


def test_leds_show_a_class_with_a_screen_or_without_one() -> None:
    chosen = DisplayOptions(led_class=1)
    assert led_sites(constraints("ulx3s_12f", Peripherals("ov7670"))) == 0
    assert led_sites(constraints("ulx3s_12f", Peripherals("ov7670", "hdmi"))) == 8
    assert led_sites(constraints("ulx3s_12f", Peripherals("ov7670", screen=chosen))) == 8
    assert led_sites(constraints("ecpix5_85f", Peripherals("ov7670", screen=chosen))) == 4


def test_an_fpga_with_two_plls_has_none_left_for_a_camera_beside_usb() -> None:
    peripherals = Peripherals("ov7670")
    with pytest.raises(FirebrickError, match=r"ulx3s_12f has an FPGA with 2 PLLs, .* usb needs 3; choose the link uart"):
        find_target("ulx3s_12f", link="usb", peripherals=peripherals)
    assert find_target("ulx3s_12f", link="uart", peripherals=peripherals).link == "uart"
    assert find_target("ulx3s_85f", link="usb", peripherals=peripherals).link == "usb"
    assert find_target("ulx3s_12f", link="usb").link == "usb"
