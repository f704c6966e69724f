# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator between a camera and a host: all of a stand-alone device but its ports, sensor and screen."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.identity import DeviceDescriptor
from ...sw.link.packets import BAUD_DIVISORS
from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_layout
from ..link.camera_endpoint import CameraLinkEndpoint
from ..link.camera_port import STATE
from ..stream.fifo import Fifo
from .frame_arbiter import FrameArbiter, FrameOwner
from .score_router import ScoreRouter

MAX_IN_FLIGHT = 32
"""Frames that may be in the accelerator at a time: more than are needed to keep it busy."""


class StandaloneDevice(wiring.Component):
    """Frames of a host and of a camera through one accelerator; nobody's scores are ever another's.

    ::

        received -> link --frames--> arbiter -> accelerator -> router --scores--> link -> sent
        camera -----------------------> | owners -> queue ------> | |
        verdicts -------------------------------> queue ----------+ +--> score, for the display

    Parameters
    ----------
    accelerator: ``Accelerator``, or a component with its members ``input`` and ``output``
    global_sum: its last node
    descriptor: the device descriptor for the host
    divisor: clock cycles per bit of a serial line at the default rate
    reloadable: the descriptor can be replaced in a finished bitstream
    silence: as in ``CameraLinkEndpoint``

    Members
    -------
    received: ``In(stream.Signature(8))``; from the host, always ready
    sent: ``Out(stream.Signature(8))``; to the host
    baud_reset: ``In(1)``, divisor: ``Out(...)``; as in ``LinkEndpoint``
    camera: ``In(stream.Signature(8))``, verdicts: ``In(stream.Signature(1))``; whole frames, and of each whether the sensor sent all of it
    state: ``In(STATE)``; what the camera tells, for the host
    pace: ``Out(8)``; the prescaler, less 1, that the host asks of the camera; paced: ``In(1)``; frames that begin now have it
    frame_started: ``Out(1)``; the accelerator takes a frame of the camera
    score: ``Out(score_layout(global_sum))``, score_taken: ``Out(1)``, frame_good: ``Out(1)``; the scores of camera frames, as ``Display``
        takes them
    """

    received: stream.Interface
    sent: stream.Interface
    baud_reset: Signal
    divisor: Signal
    camera: stream.Interface
    verdicts: stream.Interface
    state: Any
    pace: Signal
    paced: Signal
    frame_started: Signal
    score: Any
    score_taken: Signal
    frame_good: Signal

    def __init__(
        self,
        *,
        accelerator: Any,
        global_sum: GlobalSumSpec,
        descriptor: DeviceDescriptor,
        divisor: int,
        reloadable: bool = False,
        silence: int | None = None,
    ) -> None:
        self._accelerator = accelerator
        self._frame_bytes = descriptor.frame_bytes
        self._link = CameraLinkEndpoint(
            global_sum=global_sum, descriptor=descriptor, divisor=divisor, reloadable=reloadable, silence=silence
        )
        self._router = ScoreRouter(global_sum=global_sum)
        byte = stream.Signature(unsigned(8))
        super().__init__(
            {
                "received": In(byte),
                "sent": Out(byte),
                "baud_reset": In(1),
                "divisor": Out(range(BAUD_DIVISORS.stop)),
                "camera": In(byte),
                "verdicts": In(stream.Signature(1)),
                "state": In(STATE),
                "pace": Out(8),
                "paced": In(1),
                "score": Out(score_layout(global_sum)),
                **{name: Out(1) for name in ("frame_started", "score_taken", "frame_good")},
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.link = link = self._link
        m.submodules.arbiter = arbiter = FrameArbiter(frame_bytes=self._frame_bytes)
        m.submodules.owners = owners = Fifo(shape=FrameOwner, depth=MAX_IN_FLIGHT)
        m.submodules.verdicts = verdicts = Fifo(shape=1, depth=MAX_IN_FLIGHT)
        m.submodules.router = router = self._router
        m.submodules.accelerator = accelerator = self._accelerator
        wiring.connect(m, wiring.flipped(self.received), link.received)
        wiring.connect(m, link.sent, wiring.flipped(self.sent))
        wiring.connect(m, link.frames, arbiter.host)
        wiring.connect(m, wiring.flipped(self.camera), arbiter.camera)
        wiring.connect(m, wiring.flipped(self.verdicts), verdicts.input)
        wiring.connect(m, arbiter.output, accelerator.input)
        wiring.connect(m, arbiter.owners, owners.input)
        wiring.connect(m, accelerator.output, router.input)
        wiring.connect(m, owners.output, router.owners)
        wiring.connect(m, verdicts.output, router.verdicts)
        wiring.connect(m, router.host, link.scores)
        side = link.camera
        m.d.comb += [
            link.baud_reset.eq(self.baud_reset),
            self.divisor.eq(link.divisor),
            self.pace.eq(side.pace),
            arbiter.hold_host.eq(side.hold_host),
            arbiter.capture.eq(side.armed & ((side.pace == 0) | self.paced)),
            side.begun.eq(arbiter.captured),
            side.byte.eq(arbiter.output.payload),
            side.byte_taken.eq(arbiter.passes_captured & arbiter.output.valid & arbiter.output.ready),
            side.picture_end.eq(arbiter.last),
            side.captured.eq(router.captured),
            side.good.eq(router.good),
            side.host_busy.eq(self._count_host_frames(m, arbiter, router)),
            side.state.eq(self.state),
            self.frame_started.eq(arbiter.camera_begun),
            self.score.eq(router.score),
            self.score_taken.eq(router.score_taken),
            self.frame_good.eq(router.good),
        ]
        if hasattr(accelerator, "busy"):
            m.d.sync += link.busy.eq(accelerator.busy.any())
        return m

    def _count_host_frames(self, m: Module, arbiter: FrameArbiter, router: ScoreRouter) -> Signal:
        """A signal that tells whether a frame of the host waits for the accelerator, or is in it."""
        in_flight = Signal(range(MAX_IN_FLIGHT + 2))
        busy = Signal()
        begun = arbiter.owners.valid & arbiter.owners.ready & ~arbiter.camera_begun
        finished = router.host.valid & router.host.ready & router.host.payload.last & ~router.captured
        m.d.sync += in_flight.eq(in_flight + begun - finished)
        m.d.comb += busy.eq((in_flight != 0) | arbiter.host.valid)
        return busy
