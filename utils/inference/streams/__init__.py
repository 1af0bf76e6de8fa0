"""The protocols by which ``inference.py --stream`` sends live poses, and their registry.

A protocol is one file with a subclass of :class:`utils.inference.streams.stream.Stream` and one
line in :data:`STREAMS`.
"""

import re

from base.errors import UserError

#: Scheme of the address given with ``--stream`` → "module:class".
STREAMS = {
    "osc": "utils.inference.streams.osc:OscStream",
    "udp": "utils.inference.streams.udp:UdpStream",
    "ws": "utils.inference.streams.ws:WebSocketStream",
}

_PATTERN = re.compile(rf"({'|'.join(STREAMS)})://(\[[^]]+\]|[^:/\s]+):(\d{{1,5}})/?")


def stream_address(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address of ``--stream``."""
    found = _PATTERN.fullmatch(address)
    if not found or not 0 < int(found[3]) < 2**16:
        known = ", ".join(f"{scheme}://HOST:PORT" for scheme in STREAMS)
        raise UserError(f"--stream {address}: give {known}")
    return found[1], found[2].strip("[]"), int(found[3])
