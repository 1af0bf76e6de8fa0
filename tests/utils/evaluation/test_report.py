"""The report: what is in the file, and what happens when someone clicks in it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sample_poses import evaluated, standing

from base.frame import FrameId
from base.release_camera import RELEASE_CAMERA
from base.skeleton import JOINTS
from dataset.scene_ego import SceneEgo
from utils.common.pretrained import PRETRAINED, model_name
from utils.drawing.style import BONES, PREDICTED, hex_code
from utils.evaluation.metrics import measure
from utils.evaluation.poses import Poses
from utils.evaluation.report import _bars, write_report

SIDES = ("Left", "Right")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ACTION = "walking</script><b>"
ABOUT = {"model": "/home/me/model_best.tar", "model_sha256": "0123456789abcdef" * 4}
ABOUT |= {"data": "test", "frames": 3, "headsets": ["xr-egopose"]}
#: Not the release's: a report must take the camera of the set.
CAMERA = RELEASE_CAMERA.cropped(250, 0, 800, 800)


class NoisePainter:
    """Gives each frame a picture of noise: at full quality far larger than a photograph."""

    dataset = SimpleNamespace(camera=CAMERA)

    def image(self, frame_id: FrameId) -> np.ndarray:
        small = np.random.default_rng(frame_id.number).integers(0, 255, (80, 80, 3), np.uint8)
        return np.repeat(np.repeat(small, 10, 0), 10, 1)


def make(path: Path, count: int) -> tuple[Poses, dict]:
    """A report of frames whose MPJPE is 15, 30, 15, 30, … plus their number in tenths; returns
    their poses and results."""
    numbers = np.arange(count)
    errors = 15.0 * (1 + numbers % 2) + numbers / 10
    target = np.stack([standing()] * count)
    predicted = target.copy()
    predicted[:, 1:, 2] += errors[:, None] / 1000 * 16 / 15
    poses = evaluated(predicted, target, actions=[ACTION] * count, mean_pose=standing())
    poses.frame_ids = [FrameId(f"male_{n % 2:03}_a_a", "env_001", n) for n in numbers.tolist()]
    results = measure(poses) | ABOUT
    write_report(path, results, poses, range(count), NoisePainter())
    return poses, results


def test_joints_that_are_not_labelled_are_null_and_the_others_are_drawn(tmp_path):
    target = np.stack([standing()] * 2)
    target[:, 1], target[1, 4] = np.nan, np.nan
    poses = evaluated(np.stack([standing()] * 2), target)
    write_report(tmp_path / "a.html", measure(poses) | ABOUT, poses, range(2), NoisePainter())
    data = data_in((tmp_path / "a.html").read_text())
    for row, frame in enumerate(data["frames"]):
        for key in ("joints2d", "joints3d"):
            missing = [k for k, place in enumerate(frame["truth"][key]) if place is None]
            assert set(missing) >= {1, *[4] * row} and 5 not in missing
            assert None not in frame["predicted"]["joints3d"]
    assert "Head" not in data["joints"][0]["x"] and "LeftHand" in data["joints"][0]["x"]
    assert 0.5 < data["room"]["reach"] < 1.0


def test_the_report_of_another_set_has_its_notes_and_no_empty_chart(tmp_path):
    target = np.stack([standing()] * 2)
    target[:, 1] = np.nan
    about = {"aligned_only": "the truth was elsewhere"}
    poses = evaluated(np.stack([standing()] * 2) * [1, 1.1, 1.2], target, **about)
    labelled = [name for name in JOINTS if name != "Neck"]
    found = measure(poses, SceneEgo.protocol, labelled) | ABOUT | {"headsets": ["sceneego"]}
    write_report(tmp_path / "a.html", found, poses, range(2), NoisePainter())
    text = html.unescape((tmp_path / "a.html").read_text())
    [bars] = data_in(text)["actions"]
    assert bars["y"][0] == pytest.approx(found["full"]["All"]["pa_mpjpe"]) and bars["y"][0] > 1
    assert "<h2>PA-MPJPE by action" in text and "<h2>MPJPE by action" not in text
    assert text.count("<section hidden>") == 1 and "<th class=text>PA-MPJPE, mm</th>" in text
    notes = text.partition("</table></div>")[2].partition("</section>")[0]
    for words in ("over 15 of the set's", "Wang et al., Scene-aware", "10.17617/3.VCIHDO"):
        assert words not in text.partition("</table></div>")[0] and words in notes


def data_in(text: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1))


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> SimpleNamespace:
    """A report of three frames: their poses, results, the file's text, the data and rows in it."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    poses, results = make(path, 3)
    text = path.read_text()
    data = data_in(text)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
    rows = [row for row in cells if len(row) == 8]
    return SimpleNamespace(poses=poses, results=results, text=text, data=data, rows=rows)


def test_the_data_says_where_joints_lie_and_what_was_measured(report):
    frame, target = report.data["frames"][1], report.poses.target[1]
    hand = JOINTS.index("LeftHand")
    for kind, pose in (("predicted", report.poses.predicted[1]), ("truth", target)):
        # Pixels of 800 as pixels of 480.
        expected = (CAMERA.project(pose[hand]) + 0.5) * 0.6 - 0.5
        assert frame[kind]["joints2d"][hand] == pytest.approx(expected.tolist(), abs=0.06)
        # Heights above the floor: the truth's lowest joint is on it.
        heights = -np.array(frame[kind]["joints3d"])[:, 2]
        assert heights == pytest.approx(target[:, 2].max() - pose[:, 2], abs=1e-3)
    picture, identity, action, mpjpe, *_ = report.rows[1]
    assert 'src="data:image/webp;base64,' in picture and identity == "male_001_a_a/env_001/000001"
    assert html.unescape(action) == ACTION and mpjpe == "30.1"
    bars, mean = report.data["actions"][0], np.mean([15, 30.1, 15.2])
    assert bars["x"][0] == "All" and bars["y"][0] == pytest.approx(mean)
    low, high = report.results["full"]["All"]["mpjpe_interval"]
    lines = bars["error_y"]
    assert [lines["arrayminus"][0], lines["array"][0]] == pytest.approx([mean - low, high - mean])
    assert "Model: model_best.tar (SHA-256 0123456789ab…); 3 frames" in report.text
    assert "/home/me" not in report.text and model_name(PRETRAINED, "") == "pretrained"
    few = _bars({"All": {"mpjpe": 5.0, "mpjpe_interval": None}}, "mpjpe", "", "ink")
    assert few["error_y"]["array"] == few["error_y"]["arrayminus"] == ["none"]
    assert re.search(r"this model, full body</td><td>20.1</td>", report.text)
    assert re.search(r"MPJPE +20.1 \[", report.text)


def test_nothing_is_fetched_and_text_from_the_data_set_cannot_end_the_script(report):
    # Addresses inside Plotly's own code (map tiles) are never asked for by these charts.
    page = re.sub(r"<script.*?</script>", "", report.text, flags=re.S)
    assert not re.search(r"<link|\bsrc=(?!\"data:)|\bhref=|url\(|@import", page)
    assert "<script src" not in report.text and report.text.count("plotly.js v") == 1
    assert ACTION not in report.text


#: Clicks through the page as a person would, noting what there is to see after each step.
CLICKS = Path(__file__).with_name("report_clicks.html").read_text()


def test_the_page_works_under_a_visitors_hands(tmp_path):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser to open the report with ({', '.join(BROWSERS)})")
    page = tmp_path / "report.html"
    make(page, 6)
    frames = data_in(page.read_text())["frames"]
    page.write_text(page.read_text().replace("<main>", f"{CLICKS}<main>", 1))
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-dev-shm-usage"),
        *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--window-size=800,600", "--virtual-time-budget=5000", "--dump-dom"),
        page.as_uri(),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=240).stdout
    found = re.search(r'<pre id="seen">(.*?)</pre>', shown, re.S)
    assert found, "the clicks did not come to their end"
    seen = json.loads(html.unescape(found.group(1)))
    assert seen["errors"] == [] and seen["orders"] == [[0, 2, 4, 1, 3, 5], [5, 3, 1, 4, 2, 0]]
    assert "/000003 " in seen["caption"] and "MPJPE 30.3 mm" in seen["caption"]
    # The rims of the one pose that is shown, then its bones and joints; left ones stand right.
    assert len(seen["lines"]) == 2 * (len(BONES) + len(JOINTS)) and seen["traces"] == 3
    assert {stroke for _, stroke in seen["lines"][: len(BONES) + len(JOINTS)]} == {"white"}
    joints = seen["lines"][-len(JOINTS) :]
    (left, light), (right, dark) = (joints[JOINTS.index(side + "Hand")] for side in SIDES)
    assert left > right and [light, dark] == [hex_code(shade) for shade in PREDICTED[1:]]
    # Seen from the front: x to the wearer's left, y to the back, z up from the floor.
    (*hand, colour), head, foot = seen["places"]
    assert hand[0] > 0.5 and hand[1] < foot[1] and head[2] > 1.4 and abs(foot[2]) < 0.1
    assert colour == light and ["LeftForeArm", "LeftHand", light] in seen["bones"]
    assert ["LeftUpLeg", "RightUpLeg", hex_code(PREDICTED[0])] in seen["bones"]
    # Nothing of any body is outside of the axes, which cut off what is.
    bodies = np.array([frame[kind]["joints3d"] for frame in frames for kind in frame])
    for (low, high), values in zip(
        seen["room"], (bodies * [1, -1, -1]).reshape(-1, 3).T, strict=True
    ):
        assert low < values.min() and values.max() < high
    played, width, bars = seen["counts"]
    assert played > 3 and width == 480 and bars >= 2
