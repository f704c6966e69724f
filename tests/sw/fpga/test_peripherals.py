# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Camera and screen beside the accelerator: which there are, and the file with their pins."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firebrick.sw.camera.sensors import SENSORS
from firebrick.sw.cli.main import main
from firebrick.sw.cli.pins_file import read_pins
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fpga.peripherals import CAMERA_PINS, CAMERAS, DISPLAY_PINS, NONE, Peripherals, checked_pins
from firebrick.sw.fpga.resources import Resources

CAMERA = {name: f"A{number}" for number, name in enumerate(CAMERA_PINS)}
DISPLAY = {name: f"B{number}" for number, name in enumerate(DISPLAY_PINS)}


def test_cameras_are_those_that_there_are_descriptions_of() -> None:
    assert tuple(SENSORS) == CAMERAS


def test_nothing_takes_nothing() -> None:
    assert NONE.resources(classes=1000) == Resources()
    assert Peripherals("ov7670").resources(classes=10).luts < Peripherals("ov7670", "hdmi").resources(classes=10).luts


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
