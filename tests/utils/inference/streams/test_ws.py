"""Viewers of the WebSocket server: several, slow ones, ones that leave."""

import socket
import threading
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from commands import refused
from websockets.sync.client import connect

from utils.inference.streams import ws
from utils.inference.streams.stream import open_stream


@pytest.fixture
def short_waits(monkeypatch):
    monkeypatch.setattr(ws, "_GRACE_S", 0.1)
    monkeypatch.setattr(ws, "_OPENING_S", 0.1)


@pytest.fixture
def served():
    """A stream, and what connects a viewer, who has the skeleton already."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    stream = open_stream(f"ws://127.0.0.1:{port}")

    def view(**options):
        return viewers.enter_context(connect(f"ws://127.0.0.1:{port}", **options))

    with ExitStack() as viewers:
        yield stream, view, port
        stream.close()


def packet(number):
    return SimpleNamespace(json=f"{number:06d}" + "." * 2000, skeleton=f"skeleton {number}")


def number(message):
    return int(message[:6])


def test_viewers_come_and_go_and_get_the_newest_packet_at_once(served):
    stream, view, _ = served
    first = view()
    stream.send(packet(1))
    assert first.recv(5) == "skeleton 1" and number(first.recv(5)) == 1
    stream.send(packet(2))
    assert number(first.recv(5)) == 2
    second = view()
    assert second.recv(5) == "skeleton 2" and number(second.recv(5)) == 2
    stream.send(packet(3))
    assert number(first.recv(5)) == number(second.recv(5)) == 3
    first.close()
    stream.send(packet(4))
    assert number(second.recv(5)) == 4


def behind(served, count):
    """A viewer that does not read while packets are sent, each of which another has received."""
    stream, view, port = served
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**12)
    narrow.connect(("127.0.0.1", port))
    slow, quick = view(sock=narrow, max_queue=1), view()
    stream.send(packet(0))
    assert quick.recv(5) == "skeleton 0" and number(quick.recv(5)) == 0
    for k in range(1, count):
        stream.send(packet(k))
        assert number(quick.recv(5)) == k
    return slow


def test_a_viewer_that_does_not_read_delays_nobody_and_misses_what_is_old(served):
    slow, (stream, *_) = behind(served, 400), served
    assert slow.recv(5) == "skeleton 0"
    seen = [number(slow.recv(5))]
    while seen[-1] < 400:
        stream.send(packet(400 + len(seen)))
        seen.append(number(slow.recv(5)))
    assert seen == sorted(set(seen)) and len(seen) < 200


def test_a_viewer_that_talks_is_read_so_that_its_pongs_arrive(served):
    stream, view, _ = served
    viewer = view()
    for _ in range(100):
        viewer.send("a heartbeat of its own")
    assert viewer.ping().wait(10)
    stream.send(packet(1))
    assert viewer.recv(5) == "skeleton 1" and number(viewer.recv(5)) == 1


def test_the_end_waits_neither_for_who_reads_nothing_nor_for_who_only_connects(short_waits, served):
    slow, (stream, _, port) = behind(served, 200), served
    with socket.create_connection(("127.0.0.1", port)):
        closing = threading.Thread(target=stream.close, daemon=True)
        closing.start()
        closing.join(8)
        assert not closing.is_alive()
    slow.socket.close()
    stream.close = lambda: None


def test_an_address_in_use_or_of_another_machine_is_one_line(served):
    for address, message in ((f"127.0.0.1:{served[2]}", ".*in use"), ("192.0.2.1:9", "")):
        refused(f"{address}: cannot be served {message}", open_stream, f"ws://{address}")
