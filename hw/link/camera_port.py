# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a host sees of a camera beside the link: single frames on request, their pictures, and a report."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, ResetInserter, Signal
from amaranth.lib import data, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import CAMERA_COUNTERS, CAMERA_FIELDS, MAX_REPLY_PAYLOAD

PICTURE_FIFO_BYTES = 256
"""Bytes of a picture that wait for the line: those of two packets, one being sent and one being filled. Distributed RAM holds them."""
MAX_PACE = 63
"""Highest prescaler of the camera, less 1, that a host can ask for."""

COUNTER_BITS = 32
"""Bits of a counter of the report."""
STATE = data.StructLayout({"found": 1, "display": 1, "taken": COUNTER_BITS, "dropped": COUNTER_BITS, "torn": COUNTER_BITS})
"""What the camera's side tells: flags and counters of the report."""


class CameraSide(wiring.Signature):
    """Between the endpoint and the frames of a camera, as the endpoint sees it.

    state: ``In(STATE)``; of the camera
    host_busy: ``In(1)``; a frame of the host is in the accelerator, or waits for it
    begun, byte, byte_taken, picture_end, good, pace, armed: as in ``CameraPort``
    captured: ``In(1)``; the scores that are offered are those of the captured frame
    hold_host: ``Out(1)``; no frame of the host may begin: the next result is that of the captured frame
    """

    def __init__(self) -> None:
        flags = ("host_busy", "begun", "byte_taken", "picture_end", "captured", "good")
        super().__init__(
            {
                "state": In(STATE),
                **{name: In(1) for name in flags},
                "byte": In(8),
                "pace": Out(8),
                "armed": Out(1),
                "hold_host": Out(1),
            }
        )


class CameraPort(wiring.Component):
    """Captures one camera frame at a time for the host, and sends its picture while the network reads it.

    A capture passes these states::

        IDLE --request--> ARMED --begun--> FLYING --finished, good--> IDLE       its scores are a result for the host
                            ^                |
                            +----finished----+  not good: the frame was torn, the next one is captured

    There is no memory for a picture: its bytes wait in a short FIFO for the line. When that is full, the rest of the picture is lost, and
    neither network nor camera waits; the host sees that bytes are missing and asks again, with a slower camera. A picture that
    begins before the one before it has left is lost as well.

    Parameters
    ----------
    depth: bytes of the FIFO, a power of two, at least two packets

    Members
    -------
    state: ``In(STATE)``; of the camera
    reset: ``In(1)``; a session begins or ends: forget the capture and its picture, and let the camera run at its own pace
    request: ``In(1)``; capture a frame; ignored unless idle
    idle: ``Out(1)``; no capture is in progress
    set_pace: ``In(1)``, new_pace: ``In(8)``; slow the camera down; pace: ``Out(8)``
    armed: ``Out(1)``; the next camera frame that begins is the captured one
    begun: ``In(1)``; it begins
    byte: ``In(8)``, byte_taken: ``In(1)``; the network takes a byte of it in this cycle
    picture_end: ``In(1)``; that byte is its last
    finished: ``In(1)``, good: ``In(1)``; the last of its scores is taken in this cycle, and whether the frame is whole
    stale: ``Out(1)``; the frame in flight was captured in an earlier session
    pending: ``Out(1)``; a picture is not sent completely
    packet_due: ``Out(1)``; a packet of the picture can be composed
    number: ``Out(16)``; its number in the picture
    picture_byte: ``Out(8)``, picture_last: ``Out(1)``; its next byte, and whether that is the packet's last
    pop: ``In(1)``; the byte is sent
    snapshot: ``In(1)``; keep the counters for the report
    index: ``In(...)``, report_byte: ``Out(8)``; a byte of the report (``packets.CAMERA_FIELDS``), in the same cycle
    """

    state: Any
    reset: Signal
    request: Signal
    idle: Signal
    set_pace: Signal
    new_pace: Signal
    pace: Signal
    armed: Signal
    begun: Signal
    byte: Signal
    byte_taken: Signal
    picture_end: Signal
    finished: Signal
    good: Signal
    stale: Signal
    pending: Signal
    packet_due: Signal
    number: Signal
    picture_byte: Signal
    picture_last: Signal
    pop: Signal
    snapshot: Signal
    index: Signal
    report_byte: Signal

    def __init__(self, *, depth: int = PICTURE_FIFO_BYTES) -> None:
        if depth < 2 * MAX_REPLY_PAYLOAD or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two and at least {2 * MAX_REPLY_PAYLOAD}, not {depth}")
        self._depth = depth
        super().__init__(
            {
                "state": In(STATE),
                **{name: In(1) for name in ("reset", "request", "set_pace", "begun", "byte_taken", "picture_end", "finished", "good")},
                **{name: In(1) for name in ("pop", "snapshot")},
                **{name: Out(1) for name in ("idle", "armed", "stale", "pending", "packet_due", "picture_last")},
                "new_pace": In(8),
                "pace": Out(8),
                "byte": In(8),
                "number": Out(16),
                "picture_byte": Out(8),
                "index": In(range(MAX_REPLY_PAYLOAD)),
                "report_byte": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lost = Signal(COUNTER_BITS)
        self._follow_capture(m)
        self._send_picture(m, lost)
        self._report(m, lost)
        with m.If(self.set_pace):
            m.d.sync += self.pace.eq(self.new_pace)
        with m.If(self.reset):
            m.d.sync += self.pace.eq(0)
        return m

    def _follow_capture(self, m: Module) -> None:
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(1)
                with m.If(self.request & ~self.reset):
                    m.next = "ARMED"
            with m.State("ARMED"):
                m.d.comb += self.armed.eq(~self.reset)
                with m.If(self.reset):
                    m.next = "IDLE"
                with m.Elif(self.begun):
                    m.next = "FLYING"
            with m.State("FLYING"):
                with m.If(self.reset):
                    m.d.sync += self.stale.eq(1)
                with m.If(self.finished):
                    m.d.sync += self.stale.eq(0)
                    m.next = "ARMED"
                    with m.If(self.good | self.stale | self.reset):
                        m.next = "IDLE"

    def _send_picture(self, m: Module, lost: Signal) -> None:
        """Bytes into the FIFO while the network takes them, and out of it in packets."""
        waiting = SyncFIFO(width=8, depth=self._depth)
        m.submodules.waiting = ResetInserter(self.reset)(waiting)
        recording = Signal()
        offset = Signal(range(MAX_REPLY_PAYLOAD))  # of the next byte in its packet
        wanted = Signal()
        begins = Signal()
        writing = Signal()
        overflow = Signal()
        # Bytes a cycle later: whether the network takes one is known late in a cycle.
        begun = Signal()
        taken = Signal()
        last = Signal()
        byte = Signal(8)
        m.d.sync += [begun.eq(self.begun & ~self.reset), taken.eq(self.byte_taken & ~self.reset)]
        m.d.sync += [last.eq(self.picture_end), byte.eq(self.byte)]
        m.d.comb += [
            wanted.eq(begun & (self.pace != 0)),
            begins.eq(wanted & (waiting.r_level == 0)),
            writing.eq((recording | begins) & taken),
            overflow.eq(writing & ~waiting.w_rdy),
            waiting.w_data.eq(byte),
            waiting.w_en.eq(writing),
            waiting.r_en.eq(self.pop),
            self.pending.eq(recording | (waiting.r_level != 0)),
            self.picture_byte.eq(waiting.r_data),
            self.picture_last.eq((offset == MAX_REPLY_PAYLOAD - 1) | (~recording & (waiting.r_level == 1))),
            self.packet_due.eq((waiting.r_level >= MAX_REPLY_PAYLOAD) | (~recording & (waiting.r_level != 0))),
        ]
        with m.If(self.pop):
            m.d.sync += offset.eq(offset + 1)
            with m.If(self.picture_last):
                m.d.sync += [offset.eq(0), self.number.eq(self.number + 1)]
        with m.If(begins):
            m.d.sync += [recording.eq(1), self.number.eq(0)]
        with m.If((taken & last) | overflow | self.reset):
            m.d.sync += recording.eq(0)
        with m.If(self.reset):
            m.d.sync += offset.eq(0)
        with m.If(overflow | (wanted & ~begins)):
            m.d.sync += lost.eq(lost + 1)

    def _report(self, m: Module, lost: Signal) -> None:
        """The report's bytes; the counters are those of one cycle."""
        kept = Signal(len(CAMERA_COUNTERS) * COUNTER_BITS)
        with m.If(self.snapshot):
            m.d.sync += kept.eq(Cat(self.state.taken, self.state.dropped, self.state.torn, lost))
        report = Cat(self.state.found, self.state.display, Const(0, 6), self.pace, kept)
        assert len(report) == 8 * CAMERA_FIELDS.size
        m.d.comb += self.report_byte.eq(report.word_select(self.index[: (CAMERA_FIELDS.size - 1).bit_length()], 8))
