"""The inference command on live input: what is sent is what poses.json has, to its very end."""

import contextlib
import json
import os
import signal
import socket
import threading

import cv2
import numpy as np
import pytest
from commands import run_inference
from live_packets import Expected, received, udp_receiver
from websockets.sync.client import connect

from dataset.pictures import read_picture
from utils.drawing.write import VideoFile
from utils.inference.predictor import EgoPosePredictor

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


def test_a_recorded_video_arrives_by_every_protocol_as_it_is_written(
    video, infer, monkeypatch, capsys
):
    with (
        udp_receiver() as (plain, plain_port),
        udp_receiver() as (avatar, avatar_port),
        socket.create_server(("127.0.0.1", 0)) as taken,
        contextlib.ExitStack() as opened,
    ):
        ws_port = taken.getsockname()[1]
        taken.close()
        viewers, warm_up = [], EgoPosePredictor.batch

        def with_a_viewer(self, pictures):
            """One who is there before the first frame."""
            viewer = connect(f"ws://127.0.0.1:{ws_port}", max_queue=None)
            viewers.append(opened.enter_context(viewer))
            return warm_up(self, pictures)

        monkeypatch.setattr(EgoPosePredictor, "batch", with_a_viewer)
        content = infer(
            *("--input", video, "--smooth", "--stream", f"udp://127.0.0.1:{plain_port}"),
            *(f"osc://127.0.0.1:{avatar_port}", f"ws://localhost:{ws_port}"),
        )
        datagrams, bundles, messages = received(plain), received(avatar), [*viewers[0]]
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
    assert f"{len(frames)} sent at {sent['fps']} a second" in capsys.readouterr().out


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
