"""The protocols by which ``inference.py --stream`` sends live poses, and their registry.

A protocol is one file with a subclass of :class:`utils.inference.streams.stream.Stream` and one
line in :data:`STREAMS`.
"""

#: Scheme of the address given with ``--stream`` → "module:class".
STREAMS = {
    "osc": "utils.inference.streams.osc:OscStream",
    "udp": "utils.inference.streams.udp:UdpStream",
    "ws": "utils.inference.streams.ws:WebSocketStream",
}
