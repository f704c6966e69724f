# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A USB 2.0 device that carries bytes in both directions, built on LUNA (https://github.com/greatscottgadgets/luna)."""

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out
from luna.gateware.interface.gateware_phy import GatewarePHY
from luna.gateware.usb.usb2.device import USBDevice
from luna.gateware.usb.usb2.endpoints.stream import USBStreamInEndpoint, USBStreamOutEndpoint
from usb_protocol.emitters import DeviceDescriptorCollection

from ...sw.link.usb_ids import ENDPOINT, HIGH_SPEED_PACKET, MANUFACTURER, PRODUCT, VENDOR

FIFO_DEPTH = 16
"""Bytes of the FIFO between the two clocks, per direction: enough for a byte in every cycle, with the pointers' delay in the crossing."""
MAX_NAME = 60
"""Characters of the product string: a USB string descriptor has 253 bytes of UTF-16, 4 at most for a character."""
IN = 0x80
"""Bit of an endpoint's address: the direction to the host."""


class UsbPort(wiring.Component):
    """A USB interface of the vendor-specific class with two bulk endpoints, one per direction.

    The path of the bytes::

        clock domain:      usb                  usb | sync             sync

        PHY <---> LUNA --- OUT endpoint --- asynchronous FIFO ---> received
              (USBDevice)- IN endpoint <--- asynchronous FIFO ---- sent

    The domain ``usb`` is that of the PHY: 60 MHz for ULPI, 12 MHz for USB on the FPGA's own pins (which also need ``usb_io``, 48 MHz).
    The FIFOs carry up to a byte per cycle of the slower clock, with a latency of a few cycles of both. A host that sends faster is
    throttled by NAKs of USB; bytes that the host does not fetch wait in two USB packets.

    A zero byte, which ends a packet of the link, also ends a USB transfer, so that the packet is sent at once.

    Parameters
    ----------
    phy: the PHY, as LUNA's ``USBDevice`` takes it; its clock is not used
    name: the product string; a long one is cut
    serial: the serial number, which distinguishes boards of one name
    packet: maximum bytes of a USB packet: ``FULL_SPEED_PACKET`` or ``HIGH_SPEED_PACKET``, as the PHY is

    Members
    -------
    received: ``Out(stream.Signature(8, always_ready=True))``; from the host
    sent: ``In(stream.Signature(8))``; to the host
    """

    received: stream.Interface
    sent: stream.Interface

    def __init__(self, *, phy: Any, name: str, serial: str, packet: int) -> None:
        self._phy = phy
        self._packet = packet
        self._descriptors = _descriptors(name, serial, packet)
        byte = unsigned(8)
        super().__init__({"received": Out(stream.Signature(byte, always_ready=True)), "sent": In(stream.Signature(byte))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.usb = usb = USBDevice(bus=self._phy, handle_clocking=False)
        if isinstance(usb.utmi, GatewarePHY):
            _synchronise_line_state(m, usb)
        usb.add_standard_control_endpoint(self._descriptors)
        from_host = USBStreamOutEndpoint(endpoint_number=ENDPOINT, max_packet_size=self._packet)
        to_host = USBStreamInEndpoint(endpoint_number=ENDPOINT, max_packet_size=self._packet)
        usb.add_endpoint(from_host)
        usb.add_endpoint(to_host)
        m.submodules.inwards = inwards = fifo.AsyncFIFO(width=8, depth=FIFO_DEPTH, w_domain="usb", r_domain="sync")
        m.submodules.outwards = outwards = fifo.AsyncFIFO(width=8, depth=FIFO_DEPTH, w_domain="sync", r_domain="usb")
        m.d.comb += [
            usb.connect.eq(1),
            usb.full_speed_only.eq(self._packet < HIGH_SPEED_PACKET),
            inwards.w_data.eq(from_host.stream.payload),
            inwards.w_en.eq(from_host.stream.valid),
            from_host.stream.ready.eq(inwards.w_rdy),
            self.received.payload.eq(inwards.r_data),
            self.received.valid.eq(inwards.r_rdy),
            inwards.r_en.eq(1),
            outwards.w_data.eq(self.sent.payload),
            outwards.w_en.eq(self.sent.valid),
            self.sent.ready.eq(outwards.w_rdy),
            to_host.stream.payload.eq(outwards.r_data),
            to_host.stream.valid.eq(outwards.r_rdy),
            to_host.stream.last.eq(outwards.r_data == 0),
            outwards.r_en.eq(to_host.stream.ready),
        ]
        return m


def _synchronise_line_state(m: Module, usb: Any) -> None:
    """Bring the lines of USB into the domain ``usb``: LUNA's PHY on the FPGA's own pins passes them on to state machines as they are."""
    phy = usb.utmi
    line_state = Signal(2)
    m.submodules.line_state_synchronizer = FFSynchronizer(phy.line_state, line_state, o_domain="usb")
    usb.utmi = SimpleNamespace(**vars(phy) | {"line_state": line_state})


def _descriptors(name: str, serial: str, packet: int) -> Any:
    """The USB descriptors, which the host reads when the board is connected."""
    descriptors = DeviceDescriptorCollection()
    with descriptors.DeviceDescriptor() as device:
        device.idVendor, device.idProduct = VENDOR, PRODUCT
        device.iManufacturer, device.iProduct, device.iSerialNumber = MANUFACTURER, name[:MAX_NAME], serial
        device.bNumConfigurations = 1
    with descriptors.ConfigurationDescriptor() as configuration, configuration.InterfaceDescriptor() as interface:
        interface.bInterfaceNumber = 0
        interface.bInterfaceClass = 0xFF  # vendor-specific
        for address in (ENDPOINT, ENDPOINT | IN):
            with interface.EndpointDescriptor() as endpoint:
                endpoint.bEndpointAddress, endpoint.wMaxPacketSize = address, packet
    return descriptors
