"""Addresses of streams, datagrams of JSON, and the latency that is recorded."""

import json
import socket
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from commands import refused
from live_packets import received, udp_receiver
from sample_poses import standing

from utils.inference.outputs import FramePose, Summary
from utils.inference.predictor import Pose
from utils.inference.streams import stream as stream_module
from utils.inference.streams.stream import StreamSink, open_stream
from utils.motion.solver import LiveSolver

JOINTS3D = standing().astype(np.float32)
POSE = Pose(JOINTS3D - JOINTS3D[0], np.zeros((16, 2)), np.ones(16), JOINTS3D[0], 0.0, False, False)
MOTION = LiveSolver()(JOINTS3D[None])
FRAME = FramePose("a.mp4", "a", (1280, 800), POSE, 0, 0.0, motion=MOTION)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("osc://127.0.0.1", "give osc://HOST:PORT, udp://HOST:PORT, ws://HOST:PORT"),
        ("http://127.0.0.1:80", "give osc"),
        ("udp://127.0.0.1:0", "give osc"),
        ("udp://127.0.0.1:65536", "give osc"),
        ("udp://:9000", "give osc"),
        ("udp://two..dots:9000", r"cannot be reached \(no name that a host can have\)"),
        ("osc://nowhere.invalid:9000", r"osc://nowhere.invalid:9000: cannot be reached \(.+\)"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line(address, message):
    refused(message, open_stream, address)


def test_a_name_is_taken_by_its_ipv4_address_where_it_has_both(monkeypatch):
    with udp_receiver() as (receiver, port):
        both = [
            (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        sink = StreamSink([f"udp://localhost:{port}"])
        sink.add(replace(FRAME, captured=time.monotonic()), np.zeros((1, 1, 3)))
        sink.close()
        assert len(received(receiver)) == 1


def test_packets_have_the_time_of_their_frame_and_the_latency(monkeypatch):
    now, today = [100.0], 1_700_000_000.0
    clock = SimpleNamespace(monotonic=lambda: now[0], time=lambda: today)
    monkeypatch.setattr(stream_module, "time", clock)
    with udp_receiver() as (receiver, port):
        sink = StreamSink([f"udp://127.0.0.1:{port}"] * 2)
        for number in range(100):
            now[0] += 0.05
            # One in ten is late.
            captured = now[0] - (0.2 if number % 10 == 0 else 0.02)
            sink.add(replace(FRAME, frame=number, captured=captured), np.zeros((1, 1, 3)))
        packets = list(map(json.loads, received(receiver)))
        sink.close()
    assert [packet["frame"] for packet in packets] == list(range(100))  # once for both addresses
    assert [packet["latency_ms"] for packet in packets[:2]] == [200, 20]
    assert [today - packet["captured"] for packet in packets[:2]] == pytest.approx(
        [0.2, 0.02], abs=1e-3
    )
    assert sink.note == "latency 20 ms, p95 200 ms"
    summary = Summary(dropped=7)
    sink.finish(summary)
    live = {"frames": 100, "dropped": 7, "fps": 19.4, "latency_ms": {"p50": 20.0, "p95": 200.0}}
    assert summary.live == live


def test_nobody_has_to_listen():
    with udp_receiver() as (_, port):
        pass
    sink = StreamSink([f"udp://127.0.0.1:{port}", f"osc://127.0.0.1:{port}"])
    for number in range(5):
        sink.add(replace(FRAME, frame=number, captured=time.monotonic()), np.zeros((1, 1, 3)))
    sink.close()
