"""The examples of doc/deploy.md, run as they stand there, give our predictor's poses."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from browser import packages

from base.skeleton import HEATMAP_JOINTS
from dataset.pictures import read_picture
from dataset.square_crop import SquareCrop
from utils import export_onnx
from utils.common.paths import REPOSITORY
from utils.inference.predictor import EgoPosePredictor

PAGE = (REPOSITORY / "doc" / "deploy.md").read_text(encoding="utf-8")
SEEN = list(HEATMAP_JOINTS)
SIZE = 64  # pixels of the tiny network's view
#: Nothing about it is symmetric.
HEADSET = """
camera: {model: fisheye, fx: 300.0, fy: 310.0, cx: 655.0, cy: 390.0, width: 1280, height: 800,
         k: [0.02, -0.01, 0.003, -0.0005]}
position: [1, 0, 4]
forward: 12
left: -7
rotate: 90
fov: 170
"""
PICTURE, VIEW = 1, 2  # of what is expected
#: In the place of a browser's canvas.
CANVAS = """
import { readFileSync } from "node:fs";
const context = { getImageData: (left, top, width, height) => (
  { data: new Uint8ClampedArray(readFileSync("picture.rgba")), width, height }) };
"""
SQUARE_MAIN = """
#include <fstream>
int main() {
  std::vector<uint8_t> rgb(1280 * 800 * 3);
  std::ifstream("picture.rgb").read(reinterpret_cast<char*>(rgb.data()), rgb.size());
  rgb = square(rgb.data(), 1280, 800, 64);
  std::ofstream("square.rgb").write(reinterpret_cast<const char*>(rgb.data()), rgb.size());
}
"""


def blocks(language):
    """The code of a language on the page, 40 lines at most each, for the size of the network."""
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found and all(len(list(filter(None, code.split("\n")))) <= 40 for code in found)
    return [code.replace("192", str(SIZE)) for code in found]


@pytest.fixture(scope="module")
def files(made_once, tiny_transformer, tiny_data):
    """Exports without and with a headset, and a picture of 1280×800 in several formats."""

    def fill(folder):
        folder.mkdir()
        (folder / "mine.yml").write_text(HEADSET)
        for name, more in (("model", []), ("mine", ["--headset", str(folder / "mine.yml")])):
            output = str(folder / f"{name}.onnx")
            export_onnx.main(["--load_model", str(tiny_transformer), "--output", output, *more])
        picture = read_picture(min((tiny_data / "TestSet").rglob("rgba/*.png")))
        cv2.imwrite(str(folder / "picture.png"), picture[..., ::-1])
        picture.tofile(folder / "picture.rgb")
        cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA).tofile(folder / "picture.rgba")

    return made_once("deploy", fill)


@pytest.fixture
def folder(files, tmp_path):
    """A folder that holds these."""
    for path in files.iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture(scope="module")
def expected(files, tiny_transformer):
    """Of each export (16, 3) metres, (16, 2) pixels of the picture and of the network's view."""

    def found(model, **options):
        predictor = EgoPosePredictor(model, **options)
        picture = read_picture(files / "picture.png")
        square = torch.from_numpy(predictor.prepare(picture).square)
        pose = predictor(picture)
        return pose.joints3d, pose.joints2d, predictor.network(square[None]).joints2d[0]

    plain = {"camera": "training", "rotate": 0, "gpu": "cpu", "precision": "fp32"}
    return {"model": found(tiny_transformer, **plain), "mine": found(files / "mine.onnx")}


def run(folder, *command):
    done = subprocess.run(list(map(str, command)), cwd=folder, text=True, capture_output=True)
    assert not done.returncode, done.stderr
    return done.stdout


def check(expected, joints3d, joints2d, which):
    """Joints within 0.1 mm, and joints with heatmaps within 0.1 px of ``expected[which]``."""
    assert np.ptp(expected[0]) > 0.1 and np.ptp(expected[which][SEEN], axis=0).min() > 1
    assert np.abs(np.reshape(joints3d, (16, 3)) - expected[0]).max() < 1e-4
    assert np.abs(np.subtract(joints2d, expected[which][SEEN])).max() < 0.1


@pytest.mark.parametrize(("name", "which"), [("model", PICTURE), ("mine", VIEW)])
def test_the_python_example(folder, expected, name, which):
    (folder / "pose.py").write_text(blocks("python")[0])
    printed = run(folder, sys.executable, "-I", "pose.py", f"{name}.onnx", "picture.png")
    rows = [list(map(float, line.split()[1:])) for line in printed.splitlines()]
    check(expected[name], [row[:3] for row in rows], [row[3:] for row in rows if row[3:]], which)


def test_the_python_example_in_pixels_of_a_headsets_sensor(folder, expected):
    (folder / "sensor.py").write_text("".join(blocks("python")))
    printed = run(folder, sys.executable, "-I", "sensor.py", "mine.onnx", "picture.png")
    rows = [list(map(float, line.split())) for line in printed.splitlines()[16:]]
    assert np.abs(np.array(rows)[:, 1:] - expected["mine"][PICTURE]).max() < 0.1


@pytest.mark.parametrize("name", ["mine", "model"])
def test_the_javascript_example(folder, expected, name):
    (folder / "node_modules").symlink_to(packages(REPOSITORY / "utils" / "web"))
    functions, mine, model = blocks("js")
    code = functions + CANVAS + {"mine": mine, "model": model}[name]
    found = "view" if name == "mine" else "joints2d"
    code += f"console.log(JSON.stringify([Array.from(joints3d), {found}]));"
    (folder / "pose.mjs").write_text(code)
    joints3d, joints2d = json.loads(run(folder, "node", "pose.mjs").splitlines()[-1])
    if name == "mine":
        joints2d = np.array(joints2d) * SIZE - 0.5
    check(expected[name], joints3d, joints2d, VIEW if name == "mine" else PICTURE)


def compile_cpp(folder, name, code, *flags):
    if not (compiler := shutil.which("g++")):
        pytest.skip("no g++")
    (folder / f"{name}.cpp").write_text(code)
    warnings = "-Wall", "-Wextra", "-Werror"
    run(folder, compiler, "-std=c++17", "-O2", *warnings, f"{name}.cpp", *flags, "-o", name)


def test_the_c_plus_plus_example(folder, expected):
    roots = os.environ.get("ONNXRUNTIME_INCLUDE", "/usr/include"), "/usr/local/include"
    headers = [path for root in roots for path in Path(root).glob("**/onnxruntime_cxx_api.h")]
    if not headers:
        pytest.skip("no headers of ONNX Runtime: set ONNXRUNTIME_INCLUDE to their folder")
    [library] = Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(library)
    where = f"-isystem{headers[0].parent}", "-L.", "-lonnxruntime", f"-Wl,-rpath,{folder}"
    compile_cpp(folder, "pose", blocks("cpp")[0], *where)
    printed = run(folder, "./pose", "mine.onnx", "picture.rgb").split("\n")[1:]
    rows = [list(map(float, line.split()[1:])) for line in printed]
    places = np.array([row[3:] for row in rows if row[3:]])
    check(expected["mine"], [row[:3] for row in rows], places * SIZE - 0.5, VIEW)


def test_the_c_plus_plus_square_is_the_networks(folder):
    compile_cpp(folder, "square", blocks("cpp")[1] + SQUARE_MAIN)
    run(folder, "./square")
    found = np.fromfile(folder / "square.rgb", np.uint8).reshape(SIZE, SIZE, 3)
    picture = read_picture(folder / "picture.png")
    off = np.abs(SquareCrop(SIZE, 1280, 800).image(picture).astype(int) - found)
    assert off.max() <= 1 and off.mean() < 0.01
