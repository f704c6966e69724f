# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick camera`: a board with a camera and a screen in simulation, from the sensor's pins to those of the screen."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FirebrickError
from .board_choice import BOARD, largest_model
from .common import json_option, load_model, print_json, print_tables, progress_bar
from .demo import PHOTOGRAPHS
from .output_paths import OutputFolder
from .peripheral_options import chosen_peripherals, chosen_screen, peripheral_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from firebrick.hw.boards.target import Target
    from firebrick.sim.board.photographs import Shown

    from ..model.quantized import Model
    from ..utils.progress import Progress

CAMERA, DISPLAY, NO_DISPLAY = "ov7670", "hdmi", "none"
"""The camera and the display unless others are given, and the word for none."""


@click.command("camera")
@click.option("--simulate", is_flag=True, help="Simulate the whole board.")
@click.option("--board", default=BOARD, show_default=True, metavar="B", help="A board that `firebrick boards` lists, with an ECP5.")
@click.option(
    "--model", metavar="M", help="A .fire file, or a name that `firebrick models` lists.  [default: the largest that fits the board]"
)
@click.option("--frequency", type=click.FloatRange(1, 400), metavar="MHZ", help="The accelerator's clock.  [default: 45]")
@peripheral_options
@click.option("-o", "--output", type=OutputFolder(), default="build/camera", show_default=True, metavar="DIR")
@json_option
@click.argument("pictures", nargs=-1, type=click.Path(path_type=Path), metavar="[PICTURE]...")
def command(
    simulate: bool,
    board: str,
    model: str | None,
    frequency: float | None,
    output: Path,
    as_json: bool,
    pictures: tuple[Path, ...],
    **peripherals: Any,
) -> None:
    """Hold photographs in front of a simulated board's camera, and look at its screen.

    The top module of the board, as `firebrick bitstream --camera ov7670 --display hdmi` builds it, runs in Verilator. Each PICTURE goes
    through a model of the sensor into the sensor's pins: an ov7670, unless --camera names another. Fails unless all scores are those of
    the golden model on the camera's picture, and the screen, decoded from what leaves at the pins, equals its software rendering to the
    pixel; `--display none` is without one. Without a PICTURE these are photographs of scikit-image. DIR gets

    \b
    - NAME.seen.png: what the network saw
    - NAME.screen.png: the screen; NAME.expected.png if it should be another
    - report.json: the JSON document

    Compiling the simulation of a large network takes minutes, once. `--board ulx3s_12f --model digits` is quick; a slower clock
    (--frequency 40), as of a board that is built for it, saves time, too. A connected board's camera: `firebrick stream board-camera`.

    The document is {board, model, camera, display, frequency_mhz, prescaler, predicted_cycles, simulated_seconds, seconds, equal,
    pictures: [{picture, top5, equal, whole, scores, different_scores, different_pixels, signal, cycles, milliseconds, seen, screen}]};
    `signal` is what is wrong with that of the screen, and what belongs to a screen is null without one.

    \b
    Example: firebrick camera --simulate --board ulx3s_12f --model digits seven.png
    """
    if not simulate:
        raise click.UsageError(
            "what the camera of a connected board sees is shown by `firebrick stream --device ADDRESS board-camera`; "
            "`firebrick camera --simulate` needs no board"
        )
    from firebrick.hw.boards.target import find_target

    from ..utils.atomic_files import write_atomically

    options = peripherals | {"camera": peripherals["camera"] or CAMERA, "display": _display(peripherals["display"])}
    asked = find_target(board, link="uart", frequency=frequency * 1e6 if frequency else None, peripherals=chosen_peripherals(options))

    def target_for(model: "Model") -> "Target":
        return asked.with_screen(chosen_screen(options, model))

    paths = pictures or _photographs()
    with progress_bar() as progress:
        progress("planning")
        loaded = load_model(model, None) if model else largest_model(None, target_for)
        report = _simulate(loaded, target_for(loaded), paths, output, progress)
    write_atomically(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    if as_json:
        print_json(report)
    else:
        _show(report, output)
    if not report["equal"]:
        raise FirebrickError(f"{_differences(report)}; see {output / 'report.json'}")


def _display(display: str | None) -> str | None:
    """The display that the option names; there is one unless it says `none`."""
    return None if display == NO_DISPLAY else display or DISPLAY


def _photographs() -> tuple[Path, ...]:
    """The pictures where none are named."""
    from ..data.calibration_set import photographs

    return tuple(path for path in photographs() if path.name in PHOTOGRAPHS)


def _simulate(model: "Model", target: "Target", paths: Sequence[Path], output: Path, progress: "Progress") -> dict[str, Any]:
    """Simulate a board in front of pictures, write the files of each as soon as it is done, and return the document."""
    from firebrick.hw.boards.standalone_ports import prescaler_for
    from firebrick.sim.board.photographs import Photographs
    from firebrick.sim.board.simulation import BoardSimulation

    from ..camera.picture import camera_picture
    from ..camera.sensors import find_sensor
    from ..data.camera_images import sensor_image

    peripherals = target.peripherals
    assert peripherals.camera is not None
    sensor = find_sensor(peripherals.camera)
    picture = camera_picture(sensor, model.preprocessing, model.network.input)
    sent = [sensor_image(path, sensor, picture, model.preprocessing.resize) for path in paths]  # first: a file may be missing
    target, plan = target.place_names(model)
    prescaler = prescaler_for(sensor, plan, target.clock)
    settings = target.peripherals.screen.settings(model) if peripherals.display else None
    with BoardSimulation(model, plan, target, progress=progress) as board:
        start = time.monotonic()
        photographs = Photographs(board, model, sent, settings, prescaler=prescaler, progress=progress)
        shown = zip(paths, _names(paths), photographs.run(), strict=True)
        entries = [_entry(model, path, name, result, target.clock, output) for path, name, result in shown]
        return {
            "board": target.board.name,
            "model": model.network.name,
            "camera": peripherals.camera,
            "display": peripherals.display,
            "frequency_mhz": target.clock / 1e6,
            "prescaler": prescaler,
            "predicted_cycles": plan.cycles,
            "simulated_seconds": round(board.now, 6),
            "seconds": round(time.monotonic() - start, 2),
            "equal": all(entry["equal"] for entry in entries),
            "pictures": entries,
        }


def _names(paths: Sequence[Path]) -> Iterator[str]:
    """A name for the files of each picture, which no other has."""
    taken = set[str]()
    for number, path in enumerate(paths, 1):
        name = path.stem
        while name in taken:
            name += f"-{number}"
        taken.add(name)
        yield name


def _entry(model: "Model", path: Path, name: str, shown: "Shown", clock: float, output: Path) -> dict[str, Any]:
    """Write the files of a picture, and return its part of the document."""
    from .backends import top5

    seen = shown.picture.transpose(1, 2, 0)
    files: dict[str, str | None] = {"seen": f"{name}.seen.png", "screen": None}
    _write_png(output / f"{name}.seen.png", seen[:, :, 0] if seen.shape[2] == 1 else seen)
    if shown.screen is not None:
        files["screen"] = f"{name}.screen.png"
        _write_png(output / f"{name}.screen.png", shown.screen)
    if shown.expected_screen is not None and (shown.different_pixels or shown.complaint):
        _write_png(output / f"{name}.expected.png", shown.expected_screen)
    return {
        "picture": str(path),
        "top5": top5(model, shown.scores),
        "whole": shown.whole,
        "scores": len(shown.scores),
        "different_scores": shown.different_scores,
        "different_pixels": shown.different_pixels,
        "signal": shown.complaint,
        "cycles": shown.cycles,
        "milliseconds": round(1e3 * shown.cycles / clock, 3),
        **files,
        "equal": shown.right,
    }


def _write_png(path: Path, pixels: "NDArray[np.uint8]") -> None:
    from io import BytesIO

    from PIL import Image

    from ..utils.atomic_files import write_atomically

    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    write_atomically(path, stream.getvalue())


def _show(report: dict[str, Any], output: Path) -> None:
    """Print a table of the pictures."""
    from rich.table import Table

    table = Table("picture", "label", "probability", "scores", "screen", "cycles", "ms")
    for entry in report["pictures"]:
        best = entry["top5"][0]
        table.add_row(
            Path(entry["picture"]).name,
            best["label"],
            f"{best['probability']:.1%}",
            _scores(entry),
            _screen(entry),
            f"{entry['cycles']:,}",
            f"{entry['milliseconds']:.1f}",
        )
    table.caption = (
        f"{report['model']} on {report['board']} at {report['frequency_mhz']:.1f} MHz, camera {report['camera']}: "
        f"{1e3 * report['simulated_seconds']:.0f} ms simulated in {report['seconds']:.0f} s; pictures are in {output}"
    )
    print_tables(table, least=("cycles", "ms", "probability"))


def _scores(entry: dict[str, Any]) -> str:
    if not entry["whole"]:
        return "of a broken frame"
    different = entry["different_scores"]
    return f"{different:,} of {entry['scores']:,} differ" if different else f"all {entry['scores']:,} equal"


def _screen(entry: dict[str, Any]) -> str:
    if entry["signal"]:
        return "wrong signal"
    different = entry["different_pixels"]
    return "none" if different is None else f"{different:,} pixels differ" if different else "equal"


def _differences(report: dict[str, Any]) -> str:
    """What is wrong, and with which pictures."""
    wrong = [entry for entry in report["pictures"] if not entry["equal"]]
    return "; ".join(
        f"{Path(entry['picture']).name}: scores {_scores(entry)}, screen {_screen(entry)}{_reason(entry['signal'])}" for entry in wrong
    )


def _reason(signal: str | None) -> str:
    return f" ({signal})" if signal else ""
