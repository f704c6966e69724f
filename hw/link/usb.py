# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A USB 2.0 device that carries bytes both ways, on gateware of LUNA (https://github.com/greatscottgadgets/luna)."""

from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out
from luna.gateware.usb.usb2.device import USBDevice
from luna.gateware.usb.usb2.endpoints.stream import USBStreamInEndpoint, USBStreamOutEndpoint
from usb_protocol.emitters import DeviceDescriptorCollection

from ...sw.link.usb_ids import ENDPOINT, HIGH_SPEED_PACKET, MANUFACTURER, PRODUCT, VENDOR

FIFO_DEPTH = 16
"""Bytes between the clock of USB and the accelerator's, each way: more than a byte in every cycle needs to cross."""
MAX_NAME = 60
"""Characters of the name: twice as many would fit a descriptor, but some take four bytes."""
IN = 0x80
"""In an endpoint's address: to the host."""


class UsbPort(wiring.Component):
    """One interface of the vendor's class with two bulk endpoints: what the host sends, and what it receives.

    Runs in the domain ``usb`` of the PHY, 60 MHz for one of ULPI and 12 MHz for pins that are USB's own (which need ``usb_io``, 48 MHz,
    too), and hands bytes over to and from ``sync``, whatever that is, some cycles of both later. Up to a byte in each cycle of the slower
    clock. Where the host sends faster than that, it is told to wait; bytes that it does not fetch wait in two USB packets.

    A zero byte, which ends a packet of the link, ends a USB transfer: it goes out at once, whatever follows.

    Parameters
    ----------
    phy: as LUNA's ``USBDevice`` takes it; the clock is not taken from it
    name: what the host shows its user; a long one is cut
    serial: a string that tells boards of one name apart
    packet: bytes of a USB packet, at most: ``FULL_SPEED_PACKET`` or ``HIGH_SPEED_PACKET``, as the PHY is

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


def _descriptors(name: str, serial: str, packet: int) -> Any:
    """What the host is told when it asks what this is."""
    descriptors = DeviceDescriptorCollection()
    with descriptors.DeviceDescriptor() as device:
        device.idVendor, device.idProduct = VENDOR, PRODUCT
        device.iManufacturer, device.iProduct, device.iSerialNumber = MANUFACTURER, name[:MAX_NAME], serial
        device.bNumConfigurations = 1
    with descriptors.ConfigurationDescriptor() as configuration, configuration.InterfaceDescriptor() as interface:
        interface.bInterfaceNumber = 0
        interface.bInterfaceClass = 0xFF  # the vendor's own
        for address in (ENDPOINT, ENDPOINT | IN):
            with interface.EndpointDescriptor() as endpoint:
                endpoint.bEndpointAddress, endpoint.wMaxPacketSize = address, packet
    return descriptors
