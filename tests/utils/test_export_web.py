"""The page: the poses that a browser shows are PyTorch's, and what is wrong is said."""

import functools
import http.server
import json
import threading
from pathlib import Path

import av
import browser
import cv2
import numpy as np
import onnx
import pytest
import torch
from commands import names, refused

from base.headset import load_headset
from base.skeleton import HEAD
from utils import export_web
from utils.inference.predictor import EgoPosePredictor
from utils.web import packages

REAL = Path(__file__).resolve().parents[3] / "shared" / "real_frames"
FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """As ``python -m http.server`` serves."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(made_once):
    """The page with the small weights, and with a headset of our own."""
    browser.packages(export_web.WEB)

    def write(folder):
        own = folder.parent / "tilted.yml"
        own.write_text(
            "camera: {model: fisheye, fx: 90, fy: 92, cx: 198, cy: 152, k: [0.01, -0.003],\n"
            "  width: 400, height: 300}\nposition: [3, 0, 4]\nforward: 12\nleft: -8\nrotate: 90\n"
        )
        export_web.main(["--output", str(folder), "--headset", str(own)])

    return made_once("site", write)


@pytest.fixture(scope="module")
def visits(site):
    """What there is to see after each of some visits, see ``tests/web/visit.mjs``."""
    handler = functools.partial(Quiet, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/"

    def visits(*given, arguments=()):
        asked = {"address": address, "visits": given, "arguments": arguments}
        shown = browser.node("visit.mjs", browser.WEB, given=asked)
        for seen in shown:
            assert seen["errors"] == [] and seen["elsewhere"] == []
        return shown

    yield visits
    server.shutdown()
    server.server_close()
    thread.join()


def picture_of(tiny_data, number=0):
    file = sorted(tiny_data.glob("TestSet/*/*/cam_down/rgba/*.png"))[number]
    return cv2.imread(str(file))


def write(path, picture):
    assert cv2.imwrite(str(path), picture)
    return str(path)


def distances(seen, expected):
    """By how much a page's pose is off: joints, millimetres; their places in the picture, pixels,
    Head, which lies beyond the view, apart."""
    [entry] = seen["pose"]["frames"]
    found = np.array(entry["joints3d"]) + entry["neck"]
    places = np.linalg.norm(found - (expected.joints3d + expected.neck), axis=-1).max()
    pixels = np.linalg.norm(entry["joints2d"] - expected.joints2d, axis=-1)
    assert entry["confidence"] == pytest.approx(expected.confidence.tolist(), abs=2e-3)
    assert entry["uncertainty"] == pytest.approx(expected.uncertainty.tolist(), abs=1e-3)
    assert entry["residual"] == pytest.approx(expected.residual, abs=0.5)
    assert entry["disagrees"] == expected.disagrees
    assert entry["out_of_range"] == expected.out_of_range
    return 1000 * places, np.delete(pixels, HEAD).max(), pixels[HEAD]


def test_poses_of_the_page_are_those_of_pytorch(site, visits, tiny_data, tmp_path):
    whole = picture_of(tiny_data)
    other = cv2.resize(picture_of(tiny_data, 3), (1280, 1024))
    half = cv2.resize(whole, (640, 512), interpolation=cv2.INTER_AREA)
    small = cv2.resize(whole, (400, 300), interpolation=cv2.INTER_AREA)
    tiny = cv2.resize(whole[:, 240:1040], (150, 150), interpolation=cv2.INTER_AREA)
    disc = whole[:, 200:1080].copy()
    fisheye = EgoPosePredictor("small", "circle", 170, 90, gpu="cpu", precision="fp32")
    turned = fisheye(cv2.cvtColor(disc, cv2.COLOR_BGR2RGB))
    [view] = fisheye.views.values()
    lens = view.lens.headset.camera
    asked = [
        ("xr-egopose", whole),
        ("sceneego", other),
        ("sceneego", half),
        ("tilted", small),
    ]
    order = [*sorted(path.stem for path in export_web.PROFILES.glob("*.yml")), "tilted"]
    given = []
    for row, (name, picture) in enumerate(asked):
        file = write(tmp_path / f"{row}.png", picture)
        given.append({"steps": [["choose", "headset", str(order.index(name))], ["file", file]]})
    given.append({"steps": [["file", write(tmp_path / "tiny.png", tiny)]]})
    circle = {"circle-x": lens.cx, "circle-y": lens.cy}
    circle["circle-radius"] = lens.fx * np.radians(85)
    chosen = {"fov": 170, "rotate": 90, **circle}
    steps = [["choose", "headset", "fisheye"], ["file", write(tmp_path / "disc.png", disc)]]
    found = len(given)
    given.append({"steps": steps})
    given.append({"steps": steps + [["choose", key, str(v)] for key, v in chosen.items()]})
    shown = visits(*given)
    expected = []
    for name, picture in asked:
        headset = site.parent / "tilted.yml" if name == "tilted" else name
        predictor = EgoPosePredictor("small", headset=headset, gpu="cpu", precision="fp32")
        expected.append(predictor(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)))
    predictor = EgoPosePredictor("small", "training", rotate=0, gpu="cpu", precision="fp32")
    expected.append(predictor(cv2.cvtColor(tiny, cv2.COLOR_BGR2RGB)))
    for seen, pose in zip([*shown[:found], shown[found + 1]], [*expected, turned], strict=True):
        off = distances(seen, pose)
        print([round(float(v), 4) for v in off])
