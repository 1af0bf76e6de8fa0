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
import onnxruntime
import pytest
import torch
from commands import refused

from base.headset import Headset
from base.skeleton import HEAD
from utils import export_web
from utils.inference.predictor import EgoPosePredictor
from utils.web import packages
from utils.web.weights import halve_weights

REAL = Path(__file__).resolve().parents[3] / "shared" / "real_frames"
#: The headsets in the order of the page.
ORDER = [*sorted(path.stem for path in export_web.PROFILES.glob("*.yml")), "tilted"]
#: How ONNX's text of a model begins.
IR = '<ir_version: 8, opset_import: ["": 18]> '
FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


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
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)

    def visits(*given, arguments=()):
        address = f"http://127.0.0.1:{server.server_port}/"
        asked = {"address": address, "visits": given, "arguments": arguments}
        shown = browser.node("visit.mjs", browser.WEB, given=asked)
        for seen in shown:
            assert seen["errors"] == [] and seen["elsewhere"] == []
        return shown

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield visits
        server.shutdown()


def picture_of(tiny_data, number=0):
    file = sorted(tiny_data.glob("TestSet/*/*/cam_down/rgba/*.png"))[number]
    return cv2.imread(str(file))


def resized(picture, width, height):
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


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
    assert entry["confidence"] == pytest.approx(expected.confidence.tolist(), abs=1e-2)
    assert entry["uncertainty"] == pytest.approx(expected.uncertainty.tolist(), abs=5e-3)
    assert entry["residual"] == pytest.approx(expected.residual, abs=0.5)
    assert entry["disagrees"] == expected.disagrees
    assert entry["out_of_range"] == expected.out_of_range
    return 1000 * places, np.delete(pixels, HEAD).max(), pixels[HEAD]


def pytorch(picture, *how, **headset):
    """The pose of a BGR picture by PyTorch, and the lens that it was taken with."""
    predictor = EgoPosePredictor("small", *how, gpu="cpu", precision="fp32", **headset)
    pose = predictor(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    [view] = predictor.preprocessing.values()
    return pose, view.lens.headset.camera


def test_poses_of_the_page_are_those_of_pytorch(site, visits, tiny_data, tmp_path):
    whole, other = picture_of(tiny_data), picture_of(tiny_data, 3)
    asked = [
        ("xr-egopose", whole, {"headset": "xr-egopose"}),
        ("xr-egopose", resized(whole[:, 240:1040], 150, 150), {"camera": "training", "rotate": 0}),
        ("sceneego", resized(other, 1280, 1024), {"headset": "sceneego"}),
        ("sceneego", resized(whole, 640, 512), {"headset": "sceneego"}),
        ("tilted", resized(whole, 400, 300), {"headset": site.parent / "tilted.yml"}),
    ]
    if REAL.is_dir():
        real = cv2.imread(str(next(REAL.glob("xr_egopose/*.png"))))
        asked.append(("xr-egopose", real, {"camera": "training", "rotate": 0}))
    # Black around the picture, as on a sensor that is larger than the image circle.
    disc = cv2.copyMakeBorder(other[:, 200:1080], 90, 110, 60, 80, cv2.BORDER_CONSTANT)
    turned, lens = pytorch(disc, "circle", 170, 90)
    circle = (lens.cx, lens.cy, lens.fx * np.radians(85))
    fields = dict(zip(("circle-x", "circle-y", "circle-radius"), circle, strict=True))
    steps = []
    for row, (name, picture, _) in enumerate(asked):
        steps += [["choose", "headset", str(ORDER.index(name))]]
        steps += [["file", write(tmp_path / f"{row}.png", picture)]]
    steps += [["choose", "headset", "fisheye"], ["file", write(tmp_path / "disc.png", disc)]]
    steps += [["choose", key, str(v)] for key, v in {"fov": 170, "rotate": 90, **fields}.items()]
    after = visits({"steps": steps})[0]["after"][1:]
    poses = [pytorch(picture, **how)[0] for _, picture, how in asked]
    for seen, pose in [*zip(after[1::2], poses, strict=False), (after[-1], turned)]:
        millimetres, pixels, head = distances(seen, pose)
        assert millimetres < 1 and pixels < 0.5 and head < 0.5, seen["status"]
    assert after[-1]["status"].startswith("1020×1000 · ") and after[-1]["overlay"] == [1020, 1000]
    # The circle that the page finds by itself, of whose rim some is dark.
    [stated] = after[2 * len(asked) + 1]["pose"]["lenses"]
    found = json.loads(stated["lens"].partition("equidistant, ")[2])
    assert [found[key] for key in ("x", "y", "radius")] == pytest.approx(circle, abs=30)
    # What is saved has the keys of poses.json, and turns as Python says.
    saved = after[-1]["pose"]
    known = {"schema", "joint_names", "limbs", "units", "model", "model_sha256", "precision"}
    assert known < saved.keys() and saved["model"] == "small" and saved["frames"][0]["size"]
    turn = Headset(lens, rotate=90).rotation
    assert np.allclose(saved["lenses"][0]["rotation_to_camera"], turn, atol=1e-9)


def video_of(path, pictures):
    """A VP8 video at 10 frames a second."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libvpx", rate=10, width=640, height=400, pix_fmt="yuv420p")
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(resized(picture, 640, 400), format="bgr24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return str(path)


def test_videos_play_and_faults_are_said_in_one_line(visits, tiny_data, tmp_path):
    film = video_of(tmp_path / "a.webm", [picture_of(tiny_data, k // 4) for k in range(12)])
    (tmp_path / "a.txt").write_text("no picture")
    odd = write(tmp_path / "odd.png", np.zeros((100, 300, 3), np.uint8))
    steps = [["file", film], ["frames", 5], ["press", "#play", "Enter"]]
    steps += [["file", str(tmp_path / "a.txt")], ["click", "#sample"], ["file", odd]]
    steps += [["click", "#camera"], ["click", "#sample"]]
    [plain] = visits({"steps": steps})
    sample, _, playing, paused, text, _, size, camera, again = plain["after"]
    assert sample["message"] == "" and sample["pose"]["frames"][0]["file"].startswith("Sample")
    assert playing["playing"] and not paused["playing"] and playing["message"] == ""
    entry = playing["pose"]["frames"][0]
    assert entry["file"] == "a.webm" and entry["time"] < 1.3 and " frames/s" in playing["status"]
    assert size["message"].startswith("A picture of 300×100 is not of xr-egopose (1280×800)")
    assert text["message"].startswith("a.txt: neither a picture nor a video")
    assert camera["message"].startswith("The camera gives no pictures: ")
    for fault in (text, size, camera):  # nothing stays of what was shown before
        assert fault["pose"] is None and fault["status"] == "" and fault["overlay"] == [0, 0]
    assert paused["player"] and not text["player"]
    assert again["message"] == "" and again["pose"] == sample["pose"]


#: A camera that is there only when the next picture has been shown.
LATE_CAMERA = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const shown = () => document.documentElement.dataset.frames;
navigator.mediaDevices.getUserMedia = async (wanted) => {
  for (const before = shown(); shown() === before; ) await new Promise((go) => setTimeout(go, 10));
  return open(wanted);
};
"""


def test_what_was_chosen_last_is_shown_and_what_is_missing_is_found_or_said(visits, tmp_path):
    (tmp_path / "broken.mjs").write_text("no JavaScript")
    steps = [["press", "#camera", "Enter"], ["click", "#sample"]]
    steps += [["choose", "headset", "fisheye"], ["choose", "circle-x", ""]]
    steps += [["choose", "circle-x", "600"]]
    shown, camera, broken = visits(
        {"steps": steps, "without": LATE_CAMERA},
        {"steps": [["choose", "headset", "fisheye"], ["click", "#camera"], ["frames", 3]]},
        {"replace": {"ort.wasm.min.mjs": str(tmp_path / "broken.mjs")}},
        arguments=FAKE_CAMERA,
    )
    assert [seen["playing"] for seen in shown["after"]] == [None] * 6
    found, cleared, stated = (seen["pose"] for seen in shown["after"][3:])
    assert np.isfinite(cleared["frames"][0]["joints2d"]).all()
    assert cleared["lenses"] == found["lenses"] != stated["lenses"]
    assert '"x":600' in stated["lenses"][0]["lens"]
    last = camera["after"][-1]
    assert last["playing"] and last["message"] == ""
    assert last["pose"]["frames"][0]["file"] == "camera"
    assert broken["after"][0]["message"].startswith("A part of this page cannot be read")


def test_folder_is_complete_and_small(site):
    assert (site / "model.onnx").stat().st_size < 8e6
    vendored = {Path(name).name for name in export_web.VENDORED}
    licences = {"three.LICENSE.txt", "onnxruntime-web.LICENSE.txt", "onnxruntime-web.NOTICES.txt"}
    assert {path.name for path in (site / "vendor").iterdir()} == vendored | licences


@pytest.mark.usefixtures("tiny_kind")
def test_what_cannot_be_shown_is_refused(tiny_network, tmp_path, monkeypatch):
    out = tmp_path / "out"
    asked = ["--output", str(out), "--headset", "mo2cap2"]
    refused("two headsets are called mo2cap2", export_web.main, asked)
    monkeypatch.setattr(packages, "_CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    refused("there is no npm", export_web.main, ["--output", str(out)])
    (tmp_path / "mine").touch()
    refused("holds other files", export_web.main, ["--output", str(tmp_path)])
    monkeypatch.setattr(export_web, "install_packages", lambda _: tmp_path)
    asked = ["--output", str(out), "--load_model", str(tiny_network)]
    refused("has no camera3d and uncertainty, which the page shows", export_web.main, asked)
    assert not out.exists()


def test_weights_are_halved_without_loss(tmp_path):
    """A convolution, folded with a batch norm of random statistics, half of them exact."""
    torch.manual_seed(0)
    trained = torch.randn(40, 8, 3, 3).half().float()
    factor = torch.randn(40)
    inputs = {"kept": torch.randn(30, 30), "exact": torch.randn(30, 30).half().float()}
    inputs["folded"] = trained * factor[:, None, None, None]
    ends = ", ".join(f"float{list(values.shape)} {name}_" for name, values in inputs.items())
    graph = " ".join(f"{name}_ = Identity ({name})" for name in inputs)
    model = onnx.parser.parse_model(f"{IR} weights () => ({ends}) {{ {graph} }}")
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(v.numpy(), n) for n, v in inputs.items()
    )
    onnx.save(model, path := tmp_path / "a.onnx")
    halve_weights(path, {"folded": trained, "kept": trained})
    session = onnxruntime.InferenceSession(str(path))
    found = dict(zip(inputs, session.run(None, {}), strict=True))
    assert np.array_equal(found["kept"], inputs["kept"])
    assert np.array_equal(found["exact"], inputs["exact"])
    assert np.allclose(found["folded"], inputs["folded"], rtol=1e-6, atol=0)
    assert path.stat().st_size < 4 * 900 + 2 * (900 + 2880) + 1500
