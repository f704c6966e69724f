# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Verilated top module of a ULX3S with camera and screen, driven from Python: sensor bytes in, scores and recorded bits out."""

import ctypes
import tempfile
from contextlib import chdir
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hw.boards.board_top import BoardTop
from ...hw.boards.standalone_ports import StandalonePorts
from ...hw.boards.target import Target, find_target
from ...hw.codegen.verilog import Artefacts
from ...hw.eda.process import run_logged
from ...hw.eda.tool_paths import tool_command
from ...sw.camera.picture import Bytes
from ...sw.camera.sensor import Op, Sensor
from ...sw.camera.sensors import find_sensor
from ...sw.errors import FirebrickError
from ...sw.fire_format.file import encode_model
from ...sw.fpga.peripherals import Peripherals
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.utils.progress import Progress, no_progress
from ...sw.utils.source_hash import combined_hash, source_code, tool_versions
from ..build import build_design

HARNESS = "board/board_sim.cpp"
_TO_VERILOG = ("read_rtlil board.il", "proc -noopt", "memory_collect", "write_verilog -norename -noattr board.v")
_CELLS = ("ecp5_cells.v", "board_pins.v")


def generate_board(model: Model, plan: Plan, target: Target) -> Artefacts:
    """The Verilog of a board's top module, with the cells that it instantiates and its pins as the harness wants them."""
    ports = StandalonePorts(peripherals=target.peripherals, board=target.board.name)
    top = BoardTop(plan=plan, model=model, flow=target.board.flow, frequency=target.clock, link=target.link, ports=ports)
    design: str | bytes = target.board.platform().prepare(top, name="board", emit_src=False).files["board.il"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "board.il").write_bytes(design if isinstance(design, bytes) else design.encode())
        (folder / "board.ys").write_text("\n".join(_TO_VERILOG) + "\n")
        run_logged([*tool_command("yosys"), "board.ys"], folder, folder / "yosys.log", name="yosys")
        text = (folder / "board.v").read_text()
    spec = plan.global_sum
    cells = [files(__package__).joinpath(name).read_text() for name in _CELLS]
    return Artefacts("\n".join([f"`define SCORE_BITS {spec.score_bits}", *cells, text]), {}, {"score_bits": spec.score_bits})


class BoardSimulation:
    """A simulated ULX3S with a camera and a screen.

    Parameters
    ----------
    model, plan: of the network
    board: ``ulx3s_12f`` or another ULX3S
    camera: the sensor's name
    blank_lines: in front of a frame and behind it, where fewer than the sensor's own are to save time
    progress: reports the build

    Raises FirebrickError when a tool is missing.
    """

    def __init__(
        self,
        model: Model,
        plan: Plan,
        *,
        board: str = "ulx3s_12f",
        camera: str = "ov7670",
        blank_lines: int | None = None,
        progress: Progress = no_progress,
    ) -> None:
        target = find_target(board, link="uart", peripherals=Peripherals(camera, "hdmi"))
        self.sensor: Sensor = find_sensor(camera)
        self.plan = plan
        sources = source_code("firebrick.hw.boards.board_top"), source_code(__name__)
        cells = [files(__package__).joinpath(name).read_bytes() for name in _CELLS]
        key = combined_hash(encode_model(model), repr((plan, board, camera)), *sources, *cells, tool_versions())
        built = build_design(key, lambda: generate_board(model, plan, target), HARNESS, progress)
        library = self._library = ctypes.CDLL(str(built.library))
        library.board_open.restype = ctypes.c_void_p
        library.board_error.restype = ctypes.c_char_p
        library.board_frame_progress.restype = ctypes.c_double
        library.board_bytes.restype = library.board_score_verdicts.restype = ctypes.POINTER(ctypes.c_uint8)
        library.board_score_values.restype = ctypes.POINTER(ctypes.c_int64)
        for name in ("board_recorded", "board_scores", "board_frame_ps"):
            getattr(library, name).restype = ctypes.c_uint64
        sensor = self.sensor
        front, back = (min(lines, blank_lines or lines) for lines in (sensor.front_lines, sensor.back_lines))
        numbers = (sensor.columns, sensor.rows, sensor.line, sensor.vsync_lines, front, back, sensor.vsync_high, sensor.href_high)
        self.frame_seconds = (sensor.vsync_lines + front + sensor.rows + back) * sensor.line_seconds
        times = [ctypes.c_uint64(round(1e12 / hertz)) for hertz in (target.clock, 2 * sensor.pclk)]
        pointer = (ctypes.c_int * len(numbers))(*map(int, numbers))
        with chdir(built.folder):
            self._handle = ctypes.c_void_p(library.board_open(*times, pointer, sensor.address, sensor.address_bytes))
        for step in (*sensor.setup, *sensor.watch):
            if step.op is Op.EXPECT:
                library.board_register(self._handle, step.register, step.value)

    def __enter__(self) -> "BoardSimulation":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._library.board_close(self._handle)

    def show(self, data: Bytes) -> None:
        """Let the sensor see this, bytes of (rows, 2 * columns), from its next frame on."""
        data = np.ascontiguousarray(data, np.uint8)
        self._library.board_show(self._handle, data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)), ctypes.c_uint64(data.size))

    def plug(self, plugged: bool) -> None:
        """Plug the camera in or out, at once; without it, its pins stand still."""
        self._library.board_plug(self._handle, int(plugged))

    def run(self, seconds: float, *, record: bool = False) -> NDArray[np.uint8]:
        """Simulate for a time. Returns its recording, see `decode_screens`, which is empty unless it is asked for.

        Raises FirebrickError where the board does not keep to the camera's bus.
        """
        if self._library.board_run(self._handle, ctypes.c_uint64(round(1e12 * seconds)), int(record)):
            raise FirebrickError(self._library.board_error(self._handle).decode())
        count = int(self._library.board_recorded(self._handle))
        return np.ctypeslib.as_array(self._library.board_bytes(self._handle), (count,)).copy() if count else np.zeros(0, np.uint8)

    def run_to(self, progress: float) -> None:
        """Simulate until this much of a frame is sent by the sensor, 0 to 1, to a hundredth."""
        while not 0 <= self._library.board_frame_progress(self._handle) - progress < 0.01:
            self.run(0.005 * self.frame_seconds)

    @property
    def scores(self) -> NDArray[np.int64]:
        """The scores of all camera frames so far, (frames, classes); an incomplete frame is left out."""
        frames: NDArray[np.int64] = self._frames(self._library.board_score_values, np.int64)
        return frames

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whether each of these frames was whole, (frames)."""
        verdicts: NDArray[np.bool_] = self._frames(self._library.board_score_verdicts, np.uint8)[:, -1] > 0
        return verdicts

    @property
    def frame_milliseconds(self) -> float:
        """From the first byte of the newest frame to its last score."""
        return int(self._library.board_frame_ps(self._handle)) / 1e9

    @property
    def leds(self) -> int:
        """The LEDs now."""
        return int(self._library.board_leds(self._handle))

    def _frames(self, values: Any, dtype: Any) -> Any:
        classes = self.plan.global_sum.channels
        frames = int(self._library.board_scores(self._handle)) // classes
        if not frames:
            return np.zeros((0, classes), dtype)
        return np.ctypeslib.as_array(values(self._handle), (frames * classes,)).reshape(frames, classes).astype(dtype)
