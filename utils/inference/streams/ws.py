"""``ws://HOST:PORT``: viewers connect there, and get each packet as a message of JSON."""

import asyncio
import contextlib
import socket
import threading

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from base.errors import UserError
from utils.inference.streams.stream import Packet, Stream, reason, resolve

#: What the system may keep of a viewer's packets, bytes: a slow one is not far behind.
_BUFFER = 2**14
#: How long viewers may take to receive the last packet and to leave, seconds.
_GRACE_S = 1.0
#: How long a program that connects may take to say that it is a viewer, seconds.
_OPENING_S = 3.0


class WebSocketStream(Stream):
    """A server in a thread of its own. Viewers come and go; each gets the skeleton first, then
    always the newest packet: one that is slow misses those in between."""

    def __init__(self, address: str, host: str, port: int) -> None:
        try:
            family, *_, place = resolve(host, port, socket.SOCK_STREAM, socket.AI_PASSIVE)
            self._socket = socket.create_server(place, family=family)
        except (OSError, UnicodeError) as error:
            raise UserError(f"--stream {address}: cannot be served ({reason(error)})") from None
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._packet: Packet | None = None
        self._ended = False
        self._viewers: dict[asyncio.Task[None], ServerConnection] = {}
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
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
            write_limit=_BUFFER,
        )

    async def _view(self, viewer: ServerConnection) -> None:
        sending = asyncio.create_task(self._send_packets(viewer))
        self._viewers[sending] = viewer
        with contextlib.suppress(ConnectionClosed):
            # What viewers say is read, because their pongs come behind it.
            async for _ in viewer:
                continue
        sending.cancel()
        del self._viewers[sending]

    async def _send_packets(self, viewer: ServerConnection) -> None:
        sent = None
        with contextlib.suppress(ConnectionClosed):
            while not self._ended or sent is not self._packet:
                if sent is self._packet:
                    await self._changed.wait()
                    continue
                if sent is None:
                    await viewer.send(self._packet.skeleton)
                sent = self._packet
                await viewer.send(sent.json)

    def _publish(self, packet: Packet | None) -> None:
        self._packet, self._ended = packet or self._packet, packet is None
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def send(self, packet: Packet) -> None:
        self._loop.call_soon_threadsafe(self._publish, packet)

    async def _end(self) -> None:
        self._publish(None)
        if self._viewers:
            await asyncio.wait(self._viewers, timeout=_GRACE_S)
        for sending, viewer in self._viewers.items():
            if not sending.done():
                viewer.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
