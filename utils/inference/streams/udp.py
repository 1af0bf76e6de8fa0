"""``udp://HOST:PORT``: each packet a datagram of JSON."""

import contextlib
import socket

from base.errors import UserError
from utils.inference.streams.stream import Packet, Stream, resolve


class UdpStream(Stream):
    """Datagrams to one receiver, which need not be there."""

    def __init__(self, address: str, host: str, port: int) -> None:
        try:
            family, kind, protocol, _, target = resolve(host, port, socket.SOCK_DGRAM)
            self._socket = socket.socket(family, kind, protocol)
            self._socket.connect(target)
        except OSError as error:
            raise UserError(f"--stream {address}: cannot be reached ({error.strerror})") from None
        self._socket.setblocking(False)

    def encode(self, packet: Packet) -> bytes:
        return packet.json.encode()

    def send(self, packet: Packet) -> None:
        # Nobody listens there, or not yet, or the network is busy or gone: the next one may arrive.
        with contextlib.suppress(OSError):
            self._socket.send(self.encode(packet))

    def close(self) -> None:
        self._socket.close()
