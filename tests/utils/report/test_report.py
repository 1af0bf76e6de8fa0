"""The report: what is in the file, and what happens when someone clicks in it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from poses import standing

from base.camera import RELEASE_CAMERA
from base.errors import BrokenFrameError
from base.frame import FrameId
from base.skeleton import JOINTS
from dataset.transforms import SquareCrop
from utils.evaluation.metrics import measure
from utils.evaluation.poses import FrameResult, Poses
from utils.report.build import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ACTION = "walking</script><b>"


class NoisePainter:
    """Gives each frame a picture of noise: at full quality far larger than a photograph."""

    def image(self, frame_id: FrameId) -> np.ndarray:
        if frame_id.number == 999:
            raise BrokenFrameError("gone")
        rng = np.random.default_rng(frame_id.number)
        small = rng.integers(0, 255, (80, 80, 3), np.uint8)
        return np.repeat(np.repeat(small, 10, 0), 10, 1)


def make(path: Path, count: int) -> list[FrameResult]:
    """A report of frames whose MPJPE is 15, 30, 15, 30, … plus their number in tenths."""
    numbers = np.arange(count)
    errors = 15.0 * (1 + numbers % 2) + numbers / 10
    target = np.stack([standing()] * count)
    predicted = target.copy()
    predicted[:, 1:, 2] += errors[:, None] / 1000 * 16 / 15
    poses = Poses(
        predicted,
        target,
        [ACTION] * count,
        [FrameId("male_001_a_a", "env_001", number) for number in numbers.tolist()],
        np.ones((count, 16), bool),
        mean_pose=standing(),
    )
    about = {"model": "model_best.tar", "data": "test", "frames": count}
    write_report(path, about, measure(poses), poses.frames(), NoisePainter())
    return poses.frames()


def embedded(path: Path) -> dict:
    text = path.read_text()
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1))


def test_the_data_says_where_joints_lie_and_what_was_measured(tmp_path):
    frames = make(tmp_path / "report.html", 3)
    data = embedded(tmp_path / "report.html")
    first = data["frames"][1]
    camera = SquareCrop(data["side"]).camera(RELEASE_CAMERA)
    hand = JOINTS.index("LeftHand")
    for kind, pose in (("predicted", frames[1].predicted), ("truth", frames[1].target)):
        expected = camera.project(pose[hand])
        assert first[kind]["joints2d"][hand] == pytest.approx(expected.tolist(), abs=0.06)
        # Heights above the floor: the truth's lowest joint is on it.
        heights = -np.array(first[kind]["joints3d"])[:, 2]
        assert heights == pytest.approx(frames[1].target[:, 2].max() - pose[:, 2], abs=1e-3)
    assert first["errors"][0] == pytest.approx(30.1, abs=0.01)
    assert data["frames"][0]["image"].startswith("data:image/webp;base64,")
    assert data["actions"]["model"]["values"][0] == pytest.approx(np.mean([15, 30.1, 15.2]))


def test_two_hundred_frames_stay_below_fifteen_megabytes(tmp_path):
    sizes = []
    for count in (1, 11):
        make(tmp_path / f"{count}.html", count)
        sizes.append((tmp_path / f"{count}.html").stat().st_size)
    each = (sizes[1] - sizes[0]) / 10
    assert each > 20_000
    assert sizes[0] + 199 * each < 15e6


def test_nothing_is_fetched_and_plotly_is_there_once(tmp_path):
    make(tmp_path / "report.html", 1)
    text = (tmp_path / "report.html").read_text()
    # Addresses inside Plotly's own code (map tiles) are never asked for by these charts.
    page = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not re.search(r"<link|\bsrc=|\bhref=|url\(|@import", page)
    assert "<script src" not in text and text.count("plotly.js v") == 1


def test_text_from_the_data_set_cannot_end_the_script(tmp_path):
    make(tmp_path / "report.html", 1)
    text = (tmp_path / "report.html").read_text()
    assert ACTION not in text
    assert embedded(tmp_path / "report.html")["frames"][0]["action"] == ACTION


def test_a_half_written_report_is_never_left(tmp_path):
    path = tmp_path / "report.html"
    make(path, 1)
    before = path.read_bytes()
    both = standing()[None], standing()[None]
    gone = Poses(*both, ["walking"], [FrameId("a", "b", 999)], mean_pose=standing())
    with pytest.raises(BrokenFrameError):
        about = {"model": "m", "data": "test", "frames": 1}
        write_report(path, about, measure(gone), gone.frames(), NoisePainter())
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["report.html"]


#: Clicks through the page as a person would, noting what there is to see after each step.
CLICKS = """
<script>
const seen = {errors: []};
window.addEventListener("error", (event) => seen.errors.push(event.message));
window.addEventListener("load", async () => {
  const by = (id) => document.getElementById(id);
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const rows = () => [...document.querySelectorAll("#frames tbody tr")]
    .map((row) => Number(row.dataset.frame));
  const colours = () => by("scene").data.slice(1).map((trace) => trace.line.color);
  const head = (text) => [...document.querySelectorAll("#frames th")]
    .find((th) => th.textContent === text);
  await wait(500);
  seen.cards = document.querySelectorAll(".figure").length;
  seen.atFirst = rows();
  head("MPJPE").click();
  seen.ascending = rows();
  head("MPJPE").click();
  seen.descending = rows();
  document.querySelector("#frames tbody tr").click();
  seen.caption = by("caption").textContent;
  seen.both = [colours(), document.querySelectorAll("#overlay g").length];
  by("show-truth").click();
  seen.predictedAlone = [colours(), [...document.querySelectorAll("#overlay g")]
    .map((g) => g.getAttribute("class"))];
  const solid = by("scene").data[1];
  const place = (joint) => {
    const at = solid.text.indexOf(`predicted: ${joint}`);
    return [solid.x[at], solid.y[at], solid.z[at]];
  };
  seen.places = Object.fromEntries(["LeftHand", "Head", "LeftFoot"].map((j) => [j, place(j)]));
  by("show-truth").click();
  by("next").click();
  seen.afterNext = by("caption").textContent;
  const camera = () => {
    const eye = by("scene")._fullLayout.scene._scene.getCamera().eye;
    return [eye.x, eye.y, eye.z];
  };
  const before = camera();
  const canvas = by("scene").querySelector("canvas"), box = canvas.getBoundingClientRect();
  const mouse = (type, x, y, buttons) => canvas.dispatchEvent(new MouseEvent(type, {
    clientX: box.left + x, clientY: box.top + y, buttons, bubbles: true, view: window}));
  mouse("mousemove", 200, 200, 0);
  mouse("mousedown", 200, 200, 1);
  for (let i = 1; i <= 20; i++) { mouse("mousemove", 200 + 5 * i, 200, 1); await wait(30); }
  mouse("mouseup", 300, 200, 0);
  await wait(300);
  seen.cameras = [before, camera()];
  by("play").click();
  seen.playing = by("play").textContent;
  const captions = new Set();
  for (let i = 0; i < 40; i++) { captions.add(by("caption").textContent); await wait(30); }
  by("play").click();
  seen.played = captions.size;
  seen.paused = by("play").textContent;
  seen.cameras.push(camera());
  const canvases = [...document.querySelectorAll("#actions .bars path")];
  seen.bars = canvases.length;
  seen.picture = by("image").naturalWidth;
  const note = document.createElement("pre");
  note.id = "seen";
  note.textContent = JSON.stringify(seen);
  document.body.append(note);
});
</script>
"""


def test_the_page_works_under_a_visitors_hands(tmp_path):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser to open the report with ({', '.join(BROWSERS)})")
    make(tmp_path / "report.html", 6)
    page = tmp_path / "clicked.html"
    text = (tmp_path / "report.html").read_text()
    page.write_text(text.replace("<main>", f"{CLICKS}<main>", 1))
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-dev-shm-usage"),
        *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--window-size=1280,1600", "--virtual-time-budget=20000", "--dump-dom"),
        page.as_uri(),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=240).stdout
    found = re.search(r'<pre id="seen">(.*?)</pre>', shown, re.S)
    assert found, "the clicks did not come to their end"
    seen = json.loads(html.unescape(found.group(1)))
    assert seen["errors"] == []
    assert seen["cards"] == 6 and seen["picture"] == 480 and seen["bars"] >= 2
    assert seen["atFirst"] == [0, 1, 2, 3, 4, 5]
    assert seen["ascending"] == [0, 2, 4, 1, 3, 5]
    assert seen["descending"] == [5, 3, 1, 4, 2, 0]
    assert "/000005 " in seen["caption"] and "MPJPE 30.5 mm" in seen["caption"]
    assert "/000003 " in seen["afterNext"]
    truth, predicted = "#2d7df6", "#ff7f0e"
    assert seen["both"] == [[truth, truth, predicted, predicted], 2]
    assert seen["predictedAlone"] == [[predicted, predicted], ["predicted"]]
    # Seen from the front: x to the wearer's left, y to the back, z up from the floor.
    places = seen["places"]
    assert places["LeftHand"][0] > 0.5 and places["LeftHand"][1] < places["LeftFoot"][1]
    assert places["Head"][2] > 1.4 and abs(places["LeftFoot"][2]) < 0.1
    start, turned, kept = np.array(seen["cameras"])
    assert start[0] > 0 > start[1] and start[2] > 0
    assert np.linalg.norm(turned - start) > 0.1 and kept == pytest.approx(turned, abs=0.02)
    assert seen["playing"] == "Pause" and seen["paused"] == "Play" and seen["played"] > 3
