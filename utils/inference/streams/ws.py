"""``ws://HOST:PORT``: viewers connect there, and get each packet as a message of JSON."""

import asyncio
import contextlib
import socket
import threading

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from base.errors import UserError
from utils.inference.streams.stream import Packet, Stream, resolve

#: What the system may keep of a viewer's packets, bytes: a slow one is not far behind.
_BUFFER = 2**14
#: How long viewers may take to leave, seconds.
_GRACE_S = 1.0
#: How long a program that connects may take to say that it is a viewer, seconds.
_OPENING_S = 3.0


class WebSocketStream(Stream):
    """A server in a thread of its own. Viewers come and go; each gets the skeleton first, then
    always the newest packet: one that is slow misses those that come while it is."""

    def __init__(self, address: str, host: str, port: int) -> None:
        try:
            family, *_, place = resolve(host, port, socket.SOCK_STREAM, socket.AI_PASSIVE)
            self._socket = socket.create_server(place, family=family)
        except OSError as error:
            raise UserError(f"--stream {address}: cannot be served ({error.strerror})") from None
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._packet: Packet | None = None
        self._viewers: set[ServerConnection] = set()  # those that have the skeleton
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._serve())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def _serve(self):
        # Compressing takes longer than sending.
        return await serve(
            self._view,
            sock=self._socket,
            compression=None,
            open_timeout=_OPENING_S,
            close_timeout=_GRACE_S,
        )

    async def _view(self, viewer: ServerConnection) -> None:
        if self._packet is not None and viewer not in self._viewers:
            self._send_to({viewer})
        with contextlib.suppress(ConnectionClosed):
            # What viewers say is read, because their pongs come behind it.
            async for _ in viewer:
                continue
        self._viewers.discard(viewer)

    def _send_to(self, viewers: set[ServerConnection]) -> None:
        broadcast(viewers - self._viewers, self._packet.skeleton)
        self._viewers |= viewers
        broadcast(viewers, self._packet.json)

    def _publish(self, packet: Packet) -> None:
        self._packet = packet
        waits = {v for v in self._server.connections if v.transport.get_write_buffer_size()}
        self._send_to(self._server.connections - waits)

    def send(self, packet: Packet) -> None:
        self._loop.call_soon_threadsafe(self._publish, packet)

    async def _end(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
