"""The inference command on live input: what is sent is what poses.json has, to its very end."""

import contextlib
import json
import os
import signal
import socket
import threading
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from commands import run_inference
from live_packets import Expected, received, udp_receiver
from websockets.sync.client import connect

from dataset.pictures import read_picture
from utils.drawing.write import VideoFile
from utils.inference import live
from utils.inference.predictor import EgoPosePredictor
from utils.inference.streams import ws

pytestmark = pytest.mark.usefixtures("tiny_kind")


@pytest.fixture
def infer(tiny_network, tmp_path):
    more = ("--camera", "training", "--rotate", 0)
    return lambda *given: run_inference(tiny_network, tmp_path / "out", *given, *more)


@pytest.fixture(scope="module")
def video(tiny_data, tmp_path_factory):
    """Synthetic frames as a video of 20 a second."""
    path = tmp_path_factory.mktemp("video") / "walk.mp4"
    with contextlib.closing(VideoFile(path, 20)) as film:
        for picture in 2 * sorted((tiny_data / "TestSet").rglob("*.png")):
            film.add(cv2.resize(read_picture(picture), (640, 400)))
    return path


@contextmanager
def viewer(monkeypatch):
    """A viewer of the WebSocket server, who is there before the first frame; what it receives, and
    the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    seen, messages = threading.Event(), []
    open_server, warm_up = ws.WebSocketStream.__init__, EgoPosePredictor.batch
    opened = threading.Event()

    def opening(self, *given):
        open_server(self, *given)
        opened.set()

    def after_the_viewer_came(self, pictures):
        assert seen.wait(30)
        return warm_up(self, pictures)

    def view():
        assert opened.wait(30)
        with connect(f"ws://127.0.0.1:{port}") as connection:
            seen.set()
            messages.extend(connection)

    monkeypatch.setattr(ws.WebSocketStream, "__init__", opening)
    monkeypatch.setattr(EgoPosePredictor, "batch", after_the_viewer_came)
    thread = threading.Thread(target=view)
    thread.start()
    yield messages, port
    thread.join(30)


def test_a_recorded_video_arrives_by_every_protocol_as_it_is_written(video, infer, monkeypatch):
    with (
        udp_receiver() as (plain, plain_port),
        udp_receiver() as (avatar, avatar_port),
        viewer(monkeypatch) as (messages, ws_port),
    ):
        content = infer(
            *("--input", video, "--smooth", "--stream", f"udp://127.0.0.1:{plain_port}"),
            *(f"osc://127.0.0.1:{avatar_port}", f"ws://localhost:{ws_port}"),
        )
        datagrams, bundles = received(plain), received(avatar)
    frames, sent = content["frames"], content["live"]
    assert len(frames) + sent["dropped"] == 12 and sent["frames"] == len(frames) >= 1
    assert all(frame["time"] == pytest.approx(frame["frame"] / 20) for frame in frames)
    assert 0 < sent["latency_ms"]["p50"] <= sent["latency_ms"]["p95"]
    expected, skeleton = Expected(frames), json.loads(messages[0])
    numbers = [frame["frame"] for frame in frames]
    assert [expected.check_json(packet, skeleton) for packet in datagrams] == numbers
    assert [expected.check_osc(packet) for packet in bundles] == numbers
    viewed = [expected.check_json(packet, skeleton) for packet in messages[1:]]
    assert viewed == sorted(set(viewed)) and viewed[-1] == numbers[-1]
    assert skeleton["joint_names"] == content["skeletons"][0]["joint_names"]
    assert max(map(len, datagrams)) < 8192


def test_a_camera_that_comes_back_is_followed_until_ctrl_c(infer, monkeypatch, capsys):
    openings, packets = [], []

    class Camera:
        """Is unplugged after ten frames, not there at first, then back until Ctrl-C is pressed,
        when three packets have arrived again."""

        def __init__(self, index):
            openings.append(self)
            self.shown, self.get, self.release = 0, lambda name: 30.0, lambda: None
            self.back, self.grab = len(openings) == 3, lambda: len(openings) != 2
            if self.back:
                packets.extend(received(receiver))
                receiver.settimeout(0.02)
                self.wanted = len(packets) + 3

        def read(self):
            self.shown += 1
            if self.back and self.shown > 1:
                with contextlib.suppress(TimeoutError):
                    packets.append(receiver.recv(2**16))
                if len(packets) == self.wanted:
                    os.kill(os.getpid(), signal.SIGINT)
                    self.wanted = 0
            there = self.shown <= 10 or self.back
            return there, np.full((80, 128, 3), self.shown % 256, np.uint8)

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    monkeypatch.setattr(live, "_FIRST_PAUSE_S", 0.01)
    with udp_receiver() as (receiver, port):
        content = infer("--input", 0, "--stream", f"udp://127.0.0.1:{port}")
        packets += received(receiver)
    output, frames = capsys.readouterr().out, content["frames"]
    assert "camera 0 gives no more frames; it is opened again until it is back\n" in output
    assert "camera 0 is back\n" in output and f"{len(packets)} sent at " in output
    assert [frame["frame"] for frame in frames] == list(range(len(packets)))
    sent = [json.loads(packet)["joints2d"] for packet in packets]
    assert sent == [frame["joints2d"] for frame in frames] and content["live"]["dropped"] >= 0


def test_a_folder_that_is_being_filled_is_followed(infer, tmp_path):
    folder, sent = tmp_path / "in", []
    folder.mkdir()

    def fill(receiver):
        receiver.settimeout(0.02)
        for number in range(4):
            name, picture = f"f_{number}.png", np.full((80, 128, 3), 20 * number, np.uint8)
            while name not in [packet["file"] for packet in sent]:  # the run may not be there yet
                cv2.imwrite(str(folder / name), picture)
                try:
                    sent.append(json.loads(receiver.recv(2**16)))
                except TimeoutError:
                    continue
        os.kill(os.getpid(), signal.SIGINT)

    with udp_receiver() as (receiver, port):
        filling = threading.Thread(target=fill, args=(receiver,))
        filling.start()
        content = infer("--input_dir", folder, "--stream", f"udp://127.0.0.1:{port}")
        filling.join()
    written = [frame["file"] for frame in content["frames"]]
    assert [packet["file"] for packet in sent] == written[: len(sent)]
    assert list(dict.fromkeys(written)) == [f"f_{number}.png" for number in range(4)]
