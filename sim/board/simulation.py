# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Verilated top module of a board with a camera, driven from Python: sensor bytes in, scores and recorded bits out."""

import ctypes
from contextlib import chdir
from importlib.resources import files
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ...hw.boards.target import Target
from ...sw.camera.picture import Bytes
from ...sw.camera.sensor import Op, Sensor
from ...sw.camera.sensors import find_sensor
from ...sw.errors import FirebrickError
from ...sw.fire_format.file import encode_model
from ...sw.link.packets import DEFAULT_BAUD
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.utils.progress import Progress, no_progress
from ...sw.utils.source_hash import combined_hash, source_code, tool_versions
from ..build import build_design
from .board_verilog import CELLS, generate_board

HARNESS = "board/board_sim.cpp"
PICOSECONDS = 10**12
FRAME = np.dtype([("picture", np.int64), ("started", np.uint64), ("finished", np.uint64), ("good", np.uint64)])
"""A frame of the camera that the accelerator has taken: the number of its picture, the cycles of its first byte and of its last score
(0 until then), and whether it came whole."""


class BoardSimulation:
    """A simulated board with a camera, and perhaps a screen.

    Parameters
    ----------
    model, plan: of the network
    target: the board with its peripherals, and the accelerator's clock; linked by UART
    blank_lines: in front of a frame and behind it, where fewer than the sensor's own are to save time
    progress: reports the build

    Raises FirebrickError when a tool is missing.
    """

    def __init__(
        self, model: Model, plan: Plan, target: Target, *, blank_lines: int | None = None, progress: Progress = no_progress
    ) -> None:
        assert target.peripherals.camera is not None
        assert target.link == "uart"
        self.sensor: Sensor = find_sensor(target.peripherals.camera)
        self.plan = plan
        self.clock = target.clock
        """The accelerator's, in Hz."""
        sources = source_code("firebrick.hw.boards.board_top"), source_code(generate_board.__module__)
        cells = [files(__package__).joinpath(name).read_bytes() for name in CELLS]
        chosen = target.board.name, target.clock, target.peripherals, self.sensor
        key = combined_hash(encode_model(model), repr((plan, chosen)), *sources, *cells, tool_versions())
        built = build_design(key, lambda: generate_board(model, plan, target), HARNESS, progress)
        library = self._library = ctypes.CDLL(str(built.library))
        library.board_open.restype = library.board_frame_values.restype = ctypes.c_void_p
        library.board_error.restype = ctypes.c_char_p
        library.board_frame_progress.restype = ctypes.c_double
        library.board_bytes.restype = ctypes.POINTER(ctypes.c_uint8)
        library.board_score_values.restype = ctypes.POINTER(ctypes.c_int64)
        for name in ("board_recorded", "board_frames", "board_now", "board_unsent", "board_receive"):
            getattr(library, name).restype = ctypes.c_uint64
        sensor = self.sensor
        front, back = (min(lines, blank_lines or lines) for lines in (sensor.front_lines, sensor.back_lines))
        prescaler = next(step.register for step in sensor.setup if step.op is Op.PRESCALE)
        numbers = (
            *(sensor.columns, sensor.rows, sensor.line, sensor.vsync_lines, front, back, sensor.vsync_high, sensor.href_high),
            *(sensor.address, sensor.address_bytes, prescaler),
        )
        self.frame_seconds = (sensor.vsync_lines + front + sensor.rows + back) * sensor.line_seconds
        """Of the sensor's frames, with a prescaler of 1."""
        self._cycle = round(PICOSECONDS / target.clock)
        times = [ctypes.c_uint64(time) for time in (self._cycle, round(PICOSECONDS / 2 / sensor.pclk), round(PICOSECONDS / DEFAULT_BAUD))]
        pointer = (ctypes.c_int * len(numbers))(*map(int, numbers))
        with chdir(built.folder):
            self._handle: ctypes.c_void_p | None = ctypes.c_void_p(library.board_open(*times, plan.global_sum.channels, pointer))
        for step in (*sensor.setup, *sensor.watch):
            if step.op is Op.EXPECT:
                library.board_register(self._handle, step.register, step.value)

    def __enter__(self) -> "BoardSimulation":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the simulation; a second call does nothing."""
        if self._handle is not None:
            self._library.board_close(self._handle)
            self._handle = None

    def show(self, data: Bytes, number: int = 0) -> None:
        """Let the sensor see this picture, bytes of (rows, 2 * columns), from its next frame on; ``number`` is its own, for ``frames``."""
        data = np.ascontiguousarray(data, np.uint8)
        pointer = data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        self._library.board_show(self._handle, ctypes.c_int64(number), pointer, ctypes.c_uint64(data.size))

    def plug(self, plugged: bool) -> None:
        """Plug the camera in or out, at once; without it, its pins stand still."""
        self._library.board_plug(self._handle, int(plugged))

    @property
    def now(self) -> float:
        """Seconds since power-up."""
        return int(self._library.board_now(self._handle)) / PICOSECONDS

    @property
    def cycle(self) -> int:
        """Cycles of the accelerator's clock since power-up."""
        return int(self._library.board_now(self._handle)) // self._cycle

    def run(self, seconds: float, *, record: bool = False) -> NDArray[np.uint8]:
        """Simulate for a time. Returns its recording, see `decode_screens`, which is empty unless it is asked for.

        Raises FirebrickError where the board does not keep to the camera's bus.
        """
        end = int(self._library.board_now(self._handle)) + round(PICOSECONDS * seconds)
        if self._library.board_run(self._handle, ctypes.c_uint64(end), int(record)):
            raise FirebrickError(self._library.board_error(self._handle).decode())
        count = int(self._library.board_recorded(self._handle))
        return np.ctypeslib.as_array(self._library.board_bytes(self._handle), (count,)).copy() if count else np.zeros(0, np.uint8)

    def run_to(self, progress: float) -> None:
        """Simulate until this much of a frame is sent by the sensor, 0 to 1, to a hundredth."""
        while not 0 <= self._library.board_frame_progress(self._handle) - progress < 0.01:
            self.run(0.005 * self.frame_seconds)

    @property
    def frames(self) -> NDArray[np.void]:
        """The camera frames that the accelerator has taken so far, oldest first, of dtype FRAME."""
        count = int(self._library.board_frames(self._handle))
        if not count:
            return np.zeros(0, FRAME)
        return np.frombuffer(ctypes.string_at(self._library.board_frame_values(self._handle), count * FRAME.itemsize), FRAME)

    @property
    def finished(self) -> NDArray[np.void]:
        """Those of `frames` whose scores are known."""
        frames = self.frames
        return frames[frames["finished"] > 0]

    @property
    def scores(self) -> NDArray[np.int64]:
        """The scores of the frames in `finished`, shape (frames, classes)."""
        spec = self.plan.global_sum
        shape = len(self.finished), spec.channels
        if not shape[0]:
            return np.zeros(shape, np.int64)
        bits = np.ctypeslib.as_array(self._library.board_score_values(self._handle), (shape[0] * shape[1],)).reshape(shape)
        scores: NDArray[np.int64] = bits - (bits >> (spec.score_bits - 1) << spec.score_bits) if spec.score_signed else bits.copy()
        return scores

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whether each of the frames in `finished` came whole."""
        verdicts: NDArray[np.bool_] = self.finished["good"] > 0
        return verdicts

    @property
    def leds(self) -> int:
        """The LEDs now."""
        return int(self._library.board_leds(self._handle))

    def send(self, data: bytes) -> None:
        """Send bytes to the board over its serial line while the simulation runs."""
        self._library.board_send(self._handle, data, ctypes.c_uint64(len(data)))

    @property
    def unsent(self) -> int:
        """Bytes that have not passed the serial line yet."""
        return int(self._library.board_unsent(self._handle))

    def receive(self) -> bytes:
        """What has come over the serial line since the last call."""
        out = ctypes.create_string_buffer(4096)
        count = int(self._library.board_receive(self._handle, out, ctypes.c_uint64(len(out))))
        return out.raw[:count]

    def set_baud(self, baud: int) -> None:
        """Change the host's end of the serial line, which begins at the default rate."""
        self._library.board_set_bit(self._handle, ctypes.c_uint64(round(PICOSECONDS / baud)))
