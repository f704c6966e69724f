# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whole frames from two sources for one accelerator."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..utils import count_up


class FrameOwner(enum.Enum, shape=2):
    """Whose scores come out of the accelerator."""

    HOST = 0
    CAMERA = 1
    CAPTURED = 2
    """A camera frame whose scores the host gets, too."""


class FrameArbiter(wiring.Component):
    """Passes one whole frame after the other, and says of each whose it is. The host goes first; the camera gets all the rest.

    ::

        host     a0 a0 a1 a2 .  .  .  b0 b0 b1      frames of 3 bytes; a byte waits until its frame is chosen
        camera   x0 x0 x0 x0 x0 x1 x2 y0 y0 y0
        output   .  a0 a1 a2 x0 x1 x2 .  b0 b1      choosing the host takes a cycle
        owners   H           C        H

    A frame that has begun is never interrupted, so neither source may stop for good in the middle of one: the link completes a frame whose
    host has gone, and the camera one that breaks off. Latency: LATENCY cycle in front of a frame of the host. Throughput: one byte a cycle
    within a frame.

    Parameters
    ----------
    frame_bytes: bytes of a frame

    Members
    -------
    host: ``In(stream.Signature(8))``, camera: ``In(stream.Signature(8))``; whole frames
    output: ``Out(stream.Signature(8))``
    owners: ``Out(stream.Signature(FrameOwner))``; one for each frame, as it is chosen; no frame begins unless it is ready
    hold_host: ``In(1)``; choose no frame of the host
    capture: ``In(1)``; the camera frame that is chosen is a captured one
    captured: ``Out(1)``; it is chosen in this cycle
    camera_begun: ``Out(1)``; a frame of the camera is chosen in this cycle
    passes_captured: ``Out(1)``; the frame that is passing is a captured one
    last: ``Out(1)``; the byte that is offered is the last of its frame
    """

    LATENCY = 1

    host: stream.Interface
    camera: stream.Interface
    output: stream.Interface
    owners: stream.Interface
    hold_host: Signal
    capture: Signal
    captured: Signal
    camera_begun: Signal
    passes_captured: Signal
    last: Signal

    def __init__(self, *, frame_bytes: int) -> None:
        if frame_bytes < 1:
            raise ValueError(f"frame_bytes must be at least 1, not {frame_bytes}")
        self._frame_bytes = frame_bytes
        byte = stream.Signature(unsigned(8))
        super().__init__(
            {
                "host": In(byte),
                "camera": In(byte),
                "output": Out(byte),
                "owners": Out(stream.Signature(FrameOwner)),
                **{name: In(1) for name in ("hold_host", "capture")},
                **{name: Out(1) for name in ("captured", "camera_begun", "passes_captured", "last")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        offset = Signal(range(max(2, self._frame_bytes)))  # of the next byte in its frame
        host_waits = Signal()
        captured = Signal()
        m.d.comb += [
            host_waits.eq(self.host.valid & ~self.hold_host),
            self.last.eq(offset == self._frame_bytes - 1),
            self.captured.eq(self.camera_begun & self.capture),
        ]

        def pass_frame(source: stream.Interface) -> None:
            m.d.comb += [
                self.output.valid.eq(source.valid),
                self.output.payload.eq(source.payload),
                source.ready.eq(self.output.ready),
            ]
            with m.If(source.valid & self.output.ready):
                count_up(m, offset, self._frame_bytes)
                with m.If(self.last):
                    m.next = "CHOOSE"

        with m.FSM():
            with m.State("CHOOSE"):
                m.d.comb += [
                    self.owners.valid.eq(host_waits | self.camera.valid),
                    self.owners.payload.eq(Mux(host_waits, FrameOwner.HOST, Mux(self.capture, FrameOwner.CAPTURED, FrameOwner.CAMERA))),
                ]
                with m.If(self.owners.ready & host_waits):
                    m.next = "HOST"
                with m.Elif(self.owners.ready):
                    m.d.comb += self.camera_begun.eq(self.camera.valid)
                    with m.If(self.camera.valid):
                        m.d.sync += captured.eq(self.capture)
                        m.next = "CAMERA"
                    pass_frame(self.camera)
            with m.State("HOST"):
                pass_frame(self.host)
            with m.State("CAMERA"):
                m.d.comb += self.passes_captured.eq(captured)
                pass_frame(self.camera)
        with m.If(self.camera_begun):
            m.d.comb += self.passes_captured.eq(self.capture)
        return m
