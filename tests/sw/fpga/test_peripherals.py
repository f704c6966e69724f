# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Camera and screen beside the accelerator: which there are, and the file with their pins."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firebrick.sw.camera.sensors import SENSORS
from firebrick.sw.cli.main import main
from firebrick.sw.cli.peripheral_options import chosen_screen
from firebrick.sw.cli.pins_file import read_pins
from firebrick.sw.display.settings import DisplayOptions
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fpga.peripherals import CAMERA_PINS, CAMERAS, DISPLAY_PINS, NONE, Peripherals, checked_pins
from firebrick.sw.fpga.resources import Resources
from firebrick.sw.zoo import catalogue
from tests.helpers.boards import tiny_model

CAMERA = {name: f"A{number}" for number, name in enumerate(CAMERA_PINS)}
DISPLAY = {name: f"B{number}" for number, name in enumerate(DISPLAY_PINS)}


def test_cameras_are_those_that_there_are_descriptions_of() -> None:
    assert tuple(SENSORS) == CAMERAS


def test_nothing_takes_nothing() -> None:
    model = tiny_model()
    assert NONE.resources(model) == Resources()
    camera, lit, screen = (
        Peripherals("ov7670", display, screen=DisplayOptions(led_class=led)).resources(model)
        for display, led in ((None, None), (None, 0), ("hdmi", None))
    )
    assert camera.luts < lit.luts < screen.luts
    assert not Peripherals("ov7670").leds


def test_names_take_block_rams_or_luts_and_fewer_where_fewer_are_shown() -> None:
    """47,029 bits of ImageNet's names: 2,940 words of 16, three block RAMs of 1,024."""
    model = catalogue.load("squeezenet1_1_small")

    def taken(**changes: Any) -> Resources:
        return Peripherals("ov7670", "hdmi", screen=DisplayOptions(**changes)).resources(model)

    none, few, everything = taken(classes=()), taken(classes=(0, 7, 281)), taken()
    assert none.luts < few.luts < everything.luts
    assert everything.luts - none.luts > 2940 - 1000 // 16  # a LUT holds 16 bits; a class without a name has one, the end
    assert [one.block_rams for one in (none, everything, taken(names_in_block_ram=True))] == [0, 0, 3]
    assert taken(names_in_block_ram=True).luts < none.luts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ov5640",), "there is no camera named ov5640; known: ov7670, ov7670-vga"),
        (("ov7670", "vga"), "there is no display named vga; known: hdmi"),
        ((None, "hdmi"), "a display shows what a camera sees; ask for a camera, too"),
    ],
)
def test_peripherals_reject_what_there_is_none_of(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        Peripherals(*arguments)


def test_pins_are_read_from_toml_and_json(tmp_path: Path) -> None:
    document = {"camera": CAMERA, "display": DISPLAY}
    (tmp_path / "pins.json").write_text(json.dumps(document))
    lines = [f"[{section}]\n" + "\n".join(f'{name} = "{pin}"' for name, pin in pins.items()) for section, pins in document.items()]
    (tmp_path / "pins.toml").write_text("\n".join(lines))
    for name in ("pins.json", "pins.toml"):
        pins = checked_pins(read_pins(tmp_path / name), name)
        assert Peripherals("ov7670", "hdmi", pins).pins_of("display") == DISPLAY
    assert Peripherals("ov7670").pins_of("camera") is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"lens": {}}, "pins.toml: there is no section lens; the sections are camera and display"),
        ({"camera": 3}, "pins.toml: camera must be a section with a pin for each of pclk, xclk"),
        ({"camera": CAMERA | {"flash": "C1"}}, "pins.toml: camera has no pin flash; its pins are pclk"),
        ({"camera": {"pclk": "A1"}}, "pins.toml: camera lacks xclk, vsync"),
        ({"camera": CAMERA | {"d7": 7}}, "pins.toml: camera.d7 must be a pin in quotes"),
        ({"camera": CAMERA, "display": DISPLAY | {"red": "A0"}}, "pins.toml: pin A0 is used twice, by camera.pclk and display.red"),
    ],
)
def test_pins_reject_mistakes(document: dict[str, Any], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        checked_pins(document, "pins.toml")


@pytest.mark.parametrize(("name", "text"), [("pins.toml", "[camera"), ("pins.json", "{"), ("pins.json", "[]")])
def test_damaged_pins_file_is_named(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    result = CliRunner().invoke(main, ["bitstream", "--model", "digits", "--camera", "ov7670", "--pins", str(tmp_path / name)])
    assert result.exit_code == 1
    assert name in result.output.replace("\n", "")
    assert "write it as in docs/standalone.md" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--display-classes", "0"], "--display-classes needs --display"),
        (["--led-class", "0"], "--led-class needs --camera"),
        (["--camera", "ov7670", "--led-class", "ten"], "--led-class: 'ten' is none of the model's classes; give an index from 0 to 9"),
        (["--camera", "ov7670", "--led-class", "3=0"], "--led-class: the threshold must be a whole number from 1 to 100 percent, not '0'"),
        (["--camera", "ov7670", "--led-class", "3=half"], "from 1 to 100 percent, not 'half'"),
        (["--camera", "ov7670", "--display", "hdmi", "--display-classes", "1,x"], "classes '1,x': 'x' is none of the model's classes"),
        (["--camera", "ov7670", "--display", "hdmi", "--display-classes", "a.txt"], "a.txt cannot be read (No such file or directory)"),
        (["--camera", "ov7670", "--display", "hdmi", "--display-classes", ","], "classes ',' name none; give names or indices"),
    ],
)
def test_classes_of_screen_and_leds_reject_mistakes(options: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["bitstream", "--board", "ulx3s_12f", "--model", "digits", *options])
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.output.replace("│", "").split())


def test_classes_of_screen_and_leds_are_names_indices_or_a_file(tmp_path: Path) -> None:
    model = catalogue.load("squeezenet1_1_small")
    (tmp_path / "zoo.txt").write_text("Tench\n7\n")

    def chosen(names: str | None, led: str | None) -> DisplayOptions:
        return chosen_screen({"display_classes": names, "led_class": led}, model)

    assert chosen(None, None) == DisplayOptions()
    assert chosen("tench, 7", "GOLDFISH") == DisplayOptions((0, 7), 1, 50)
    assert chosen(str(tmp_path / "zoo.txt"), "281=99") == DisplayOptions((0, 7), 281, 99)
    equals = replace(model, labels=("a=5", *model.labels[1:]))
    assert chosen_screen({"display_classes": None, "led_class": "a=5"}, equals) == DisplayOptions(None, 0, 50)
    assert chosen_screen({"display_classes": None, "led_class": "a=5=60"}, equals) == DisplayOptions(None, 0, 60)
    with pytest.raises(FirebrickError, match="'tensh' is none of the model's classes; did you mean tench"):
        chosen("tensh", None)
