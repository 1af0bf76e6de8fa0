"""Live poses as packets, their latency, and what they are sent by."""

import errno
import json
import socket
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from base.registry import load_class
from utils.inference.joint_rotations import skeleton_entry
from utils.inference.outputs import FramePose, Sink, Summary
from utils.inference.sinks.pose_json import frame_entry
from utils.inference.streams import STREAMS, stream_address

#: Latencies that are kept, and after how many frames the shown ones are computed anew.
_KEPT, _SHOWN_EVERY = 10_000, 30


@dataclass(frozen=True)
class Packet:
    """What is sent of one frame."""

    result: FramePose  # with its motion
    origin: str  # of the motion, as RunInfo.motion
    captured: float  # seconds since 1970
    latency: float  # seconds from then to now

    @cached_property
    def json(self) -> str:
        """The packet as described in doc/inference.md."""
        content = frame_entry(self.result) | {
            "captured": round(self.captured, 4),
            "latency_ms": round(1000 * self.latency, 2),
        }
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def skeleton(self) -> str:
        """What its rotations are of, likewise."""
        return json.dumps(skeleton_entry(self.result.motion.offsets), separators=(",", ":"))


class Stream:
    """Where packets go: ``host`` and ``port`` of an address; UserError where it cannot be used."""

    def __init__(self, address: str, host: str, port: int) -> None:
        raise NotImplementedError

    def send(self, packet: Packet) -> None:
        """Send a packet, or let it be; never waits for a receiver."""
        raise NotImplementedError

    def close(self) -> None:
        """Send what is on its way and end."""


def resolve(host: str, port: int, kind: socket.SocketKind, flags: int = 0) -> tuple:
    """Of socket.getaddrinfo the first, IPv4 before IPv6: avatars hear the former alone, while many
    a machine's "localhost" is the latter first. OSError where there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=kind, flags=flags)
    except UnicodeError:  # two dots, or a part of more than 63 characters
        raise OSError(errno.EINVAL, "no name that a host can have") from None
    return min(found, key=lambda each: each[0] != socket.AF_INET)


def open_stream(address: str) -> Stream:
    """What an address of ``--stream`` names."""
    scheme, *place = stream_address(address)
    return load_class(STREAMS[scheme])(address, *place)


class StreamSink(Sink):
    """Sends each result, which has its motion, to every address, and measures the time from the
    decoded frame to the sent packet; ``origin`` is as RunInfo.motion."""

    def __init__(self, addresses: Iterable[str], origin: str = "camera") -> None:
        self._origin, self._latencies = origin, deque(maxlen=_KEPT)
        self._frames, self._first, self._last = 0, 0.0, 0.0
        self._streams = [open_stream(address) for address in dict.fromkeys(addresses)]

    def add(self, result: FramePose, picture: np.ndarray) -> None:
        latency = time.monotonic() - result.captured
        packet = Packet(result, self._origin, time.time() - latency, latency)
        for stream in self._streams:
            stream.send(packet)
        self._last = time.monotonic()
        self._latencies.append(self._last - result.captured)
        self._first = self._first or result.captured
        self._frames += 1
        if self._frames % _SHOWN_EVERY == 0:
            self.note = "latency {p50:.0f} ms, p95 {p95:.0f} ms".format(**self._percentiles())

    def _percentiles(self) -> dict[str, float]:
        values = np.percentile(np.array(self._latencies) * 1000, (50, 95))
        return dict(zip(("p50", "p95"), np.round(values, 1).tolist(), strict=True))

    def finish(self, summary: Summary) -> None:
        rate: dict[str, Any] = {"fps": round(self._frames / max(self._last - self._first, 1e-6), 1)}
        counts = {"frames": self._frames, "dropped": summary.dropped}
        summary.live = counts | rate | {"latency_ms": self._percentiles()}

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
