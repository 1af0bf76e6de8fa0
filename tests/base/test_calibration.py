"""Calibration files of every kind, written by the libraries that define them where they can."""

import gzip
import json
import os
import struct
import time
from dataclasses import astuple, replace
from pathlib import Path

import cv2
import mutations
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from base.calibration import load_calibration
from base.cameras import camera_to_dict
from base.cameras.division import DivisionCamera
from base.cameras.double_sphere import DoubleSphereCamera
from base.cameras.eucm import EucmCamera
from base.cameras.fisheye import FisheyeCamera
from base.cameras.fov import FovCamera
from base.cameras.ocam import OCamCamera
from base.cameras.pinhole import PinholeCamera
from base.cameras.thin_prism_fisheye import ThinPrismFisheyeCamera
from base.cameras.unified import UnifiedCamera
from base.errors import UserError
from base.release_camera import RELEASE_CAMERA

FOLDER = Path(__file__).parents[2].parent / "shared" / "camera_files"
#: What is expected of each file there.
_ROWS = Path(__file__).with_name("camera_files.txt").read_text("utf-8").splitlines()
FILES = dict(row.split(" | ") for row in _ROWS if not row.startswith("#"))

NUMBERS = (352.6, 352.7, 654.7, 400.9)
SIZE = (1280, 800)
K = np.array([[352.6, 0, 654.7], [0, 352.7, 400.9], [0, 0, 1.0]])
D = np.array([-0.0563, -0.00383, -2.5e-4, -1.2e-5])
FISHEYE = FisheyeCamera(*NUMBERS, tuple(D), *SIZE)
D4 = (-0.3, 0.1, 1e-3, -2e-3)
D5 = (*D4, -0.01)
PINHOLE = PinholeCamera(*NUMBERS, D5, *SIZE)
BY_NAME = dict(zip(("fx", "fy", "cx", "cy"), NUMBERS, strict=True))
WH = {"width": 1280, "height": 800}
KS = dict(zip(("k1", "k2", "k3", "k4"), D.tolist(), strict=True))
P4 = dict(zip(("k1", "k2", "p1", "p2"), D4, strict=True))
IMAGE_WH = {"image_width": 1280, "image_height": 800}

OCAM_TEXT = """#polynomial coefficients for the DIRECT mapping function (ocam_model.ss in MATLAB).

5 -2.924e+02 0.0 1.0756e-03 2.07e-07 4.49e-10

#polynomial coefficients for the inverse mapping function (ocam_model.invpol in MATLAB).

6 478.5 350.3 79.0 62.2 32.6 15.6

#center: "row" and "column", starting from 0 (C convention)

527.5 615.0

#affine parameters "c", "d", "e"

0.999 0.001 -0.002

#image size: "height" and "width"

1024 1280
"""
POLYNOMIAL = (-2.924e2, 0.0, 1.0756e-3, 2.07e-7, 4.49e-10)
OCAM = OCamCamera(
    *(615.0, 527.5, tuple(-a for a in POLYNOMIAL), ((1.0, -0.002), (0.001, 0.999)), 1280, 1024),
    radius=float(np.hypot(665.0, 527.5)),
)


def camera_of(path, text, part=""):
    path.write_text(text)
    return load_calibration(f"{path}{part}").camera


def refusal(name):
    with pytest.raises(UserError) as caught:
        load_calibration(str(name))
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and "\n" not in message
    return message


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the public calibrations are not here")
class TestPublicFiles:
    def test_each_has_a_row(self):
        for path in FOLDER.iterdir():
            assert any(name.startswith(path.name) for name in FILES)

    @pytest.mark.parametrize("name", FILES)
    def test_is_read_rightly_or_refused(self, name):
        model, *values = FILES[name].split()
        if model == "refused:":
            assert FILES[name].removeprefix("refused: ") in refusal(FOLDER / name)
            return
        values = [float(value) for value in values]
        camera = load_calibration(str(FOLDER / name)).camera
        found = np.concatenate([np.ravel(value) for value in astuple(camera)])
        assert camera_to_dict(camera).get("model", "fisheye") == model
        assert [camera.width, camera.height] == values[:2]
        assert found[: len(values) - 2] == pytest.approx(values[2:], rel=1e-5)


@pytest.mark.parametrize("suffix", [".yml", ".json", ".xml", ".yml.gz"])
@pytest.mark.parametrize("terms, expected", [(D, FISHEYE), (np.array(D5), PINHOLE)])
def test_what_opencv_itself_writes_is_read(tmp_path, suffix, terms, expected):
    path = tmp_path / f"calib{suffix}"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("camera_matrix", K)
    storage.write("distortion_coefficients", terms.reshape(-1, 1))
    storage.write("image_width", 1280)
    storage.write("image_height", 800)
    storage.release()
    assert load_calibration(str(path)).camera == expected


ROS = {"height": 800, "width": 1280, "distortion_model": "equidistant", "D": D.tolist()}
ROS |= {"K": K.ravel().tolist(), "binning_x": 0, "roi": {"width": 0, "height": 0}}
D6, D8, D14 = (*D4, 0.0, 0.0), (*D5, 0.1, 0.2, 0.3), (*D5, *(0.01,) * 9)
XI = replace(FISHEYE, k=(*D, 0.01, 0.002))
UNIFIED = UnifiedCamera(*NUMBERS, 0.8, D4, *SIZE)
SPHERES = DoubleSphereCamera(*NUMBERS, -0.2, 0.6, *SIZE)
EUCM = EucmCamera(*NUMBERS, 0.6, 1.05, *SIZE)
FOV = FovCamera(*NUMBERS, 0.9, *SIZE)
PLAIN = replace(PINHOLE, distortion=())
RATIONAL = replace(PINHOLE, distortion=(*D5, 0.01, 0.02, 0.03))
ARIA_K = (0.4, -0.5, 0.2, 1.1, -1.7, 0.65)


def kalibr(model, distortion, first=(), terms=()):
    content = {"camera_model": model, "distortion_model": distortion, "resolution": [*SIZE]}
    content |= {"intrinsics": [*first, *NUMBERS], "distortion_coeffs": [*map(float, terms)]}
    return {"cam0": content}


def basalt(kind, **values):
    entry = {"camera_type": kind, "intrinsics": BY_NAME | values}
    return {"value0": {"intrinsics": [entry], "resolution": [[*SIZE]]}}


def camodocal(kind, **parts):
    return {"model_type": kind, **IMAGE_WH} | parts


def aria(parameters):
    projection = {"Name": "FisheyeRadTanThinPrism", "Params": parameters}
    return {"CameraCalibrations": [{"Label": "camera-rgb", "Projection": projection}]}


def orbslam(kind, **values):
    content = {"Camera.type": kind, "Camera.width": 1280, "Camera.height": 800, "Camera.fps": 30}
    return content | {f"Camera1.{key}": value for key, value in (BY_NAME | values).items()}


K2 = {f"k{i + 2}": float(k) for i, k in enumerate(D)}
MU = {"mu": 352.6, "mv": 352.7, "u0": 654.7, "v0": 400.9}
KINDS = [
    ({"K": K.tolist(), "D": D.reshape(4, 1).tolist(), "DIM": [1280, 800]}, FISHEYE),
    ({"cameraMatrix": K.tolist(), "distCoeffs": [D.tolist()], "image_size": [1280, 800]}, FISHEYE),
    (BY_NAME | WH | KS, FISHEYE),
    (BY_NAME | {"k": D.tolist(), "size": WH}, FISHEYE),
    (  # ROS, a file
        IMAGE_WH
        | {"distortion_model": "equidistant"}
        | {"camera_matrix": {"rows": 3, "cols": 3, "data": K.ravel().tolist()}}
        | {"distortion_coefficients": {"rows": 1, "cols": 4, "data": D.tolist()}},
        FISHEYE,
    ),
    (ROS, FISHEYE),
    ({key.lower(): value for key, value in ROS.items()}, FISHEYE),  # ROS 2
    ({"cameras": {"left": BY_NAME | WH | KS}}, FISHEYE),
    *(  # OpenCV's terms
        (
            {"model": "pinhole", "K": K.tolist(), "D": terms, "DIM": [1280, 800]},
            replace(
                PINHOLE, distortion=() if terms is None else terms[:5] if terms == D6 else terms
            ),
        )
        for terms in (D4, D5, D8, D14, D6, None)
    ),
    (BY_NAME | WH | KS | {"k5": 0.01, "k6": 0.002}, XI),
    (BY_NAME | WH | P4 | {"k3": -0.01, "k4": 0.01, "k5": 0.02, "k6": 0.03, "codx": 0.0}, RATIONAL),
    (BY_NAME | WH | {"model": "pinhole", "k1": -0.3}, replace(PINHOLE, distortion=(-0.3, 0, 0, 0))),
    ({"K": K.tolist(), "D": D4, "xi": [0.8], "size": SIZE}, UNIFIED),
    # The region, then its pixels two by two.
    (
        ROS
        | {"roi": {"x_offset": 240, "y_offset": 0, "width": 800, "height": 800}, "binning_x": 2}
        | {"binning_y": 2},
        FISHEYE.cropped(240, 0, 800, 800).resized(400, 400),
    ),
    (kalibr("pinhole", "none"), PLAIN),
    (kalibr("pinhole", "radtan", (), D4), replace(PINHOLE, distortion=D4)),
    (kalibr("pinhole", "equidistant", (), D), FISHEYE),
    (  # EuRoC
        {"camera_model": "pinhole", "intrinsics": NUMBERS, "resolution": SIZE}
        | {"distortion_model": "radial-tangential", "distortion_coefficients": D4},
        replace(PINHOLE, distortion=D4),
    ),
    (kalibr("pinhole", "fov", (), [0.9]), FOV),
    (kalibr("omni", "none", [0.8]), replace(UNIFIED, distortion=())),
    (kalibr("omni", "radtan", [0.8], D4), UNIFIED),
    (kalibr("ds", "none", [-0.2, 0.6]), SPHERES),
    (kalibr("eucm", "none", [0.6, 1.05]), EUCM),
    (basalt("pinhole"), PLAIN),
    (basalt("kb4", **KS), FISHEYE),
    (basalt("ds", xi=-0.2, alpha=0.6), SPHERES),
    (basalt("eucm", alpha=0.6, beta=1.05), EUCM),
    (basalt("ucm", alpha=0.6), replace(EUCM, beta=1.0)),
    (basalt("pinhole-radtan8", **P4, k3=-0.01, k4=0.01, k5=0.02, k6=0.03, rpmax=2.7), RATIONAL),
    (
        camodocal("PINHOLE", distortion_parameters=P4, projection_parameters=BY_NAME),
        replace(PINHOLE, distortion=D4),
    ),
    (camodocal("KANNALA_BRANDT", projection_parameters=MU | K2), FISHEYE),
    (
        camodocal("MEI", mirror_parameters={"xi": 0.8}, distortion_parameters=P4)
        | {"projection_parameters": {"gamma1": 352.6, "gamma2": 352.7, "u0": 654.7, "v0": 400.9}},
        UNIFIED,
    ),
    (orbslam("KannalaBrandt8", **KS), FISHEYE),
    (orbslam("PinHole", **P4, k3=-0.01), PINHOLE),
    (
        aria([352.6, 654.7, 400.9, *ARIA_K, 1e-3, 2e-3, 3e-4, 4e-4, 5e-4, 6e-4]),
        ThinPrismFisheyeCamera(
            *(352.6, 352.6, 654.7, 400.9, ARIA_K, (2e-3, 1e-3), (3e-4, 4e-4, 5e-4, 6e-4), 0, 0)
        ),
    ),
    (
        {"camera_model": "OPENCV_FISHEYE", "fl_x": 352.6, "fl_y": 352.7, "cx": 655.2, "cy": 401.4}
        | {"w": 1280, "h": 800, **KS, "frames": [{"file_path": "a.jpg"}]},
        FISHEYE,
    ),
    (
        {"fl_x": 352.6, "fl_y": 352.7, "cx": 655.2, "cy": 401.4, "w": 1280, "h": 800, **P4},
        replace(PINHOLE, distortion=D4),
    ),
    (
        {"calib_dimension": {"w": 1280, "h": 800}, "camera_model": "X4", "distortion_model": None}
        | {"fisheye_params": {"camera_matrix": K.tolist(), "distortion_coeffs": D.tolist()}},
        FISHEYE,
    ),
    # Of a camera 1280 wide whose centre is 14.7 px right of and 1.4 px below the picture's middle.
    (
        {"projection_type": "brown", "focal_x": 352.6 / 1280, "focal_y": 352.7 / 1280, **WH}
        | {"c_x": 15.2 / 1280, "c_y": 1.4 / 1280, **P4, "k3": -0.01},
        PINHOLE,
    ),
    (
        {"v2 gopro": {"projection_type": "fisheye", "focal": 0.25, "k1": 0.01, "k2": -0.002, **WH}},
        FisheyeCamera(320, 320, 639.5, 399.5, (0.01, -0.002, 0, 0), *SIZE),
    ),
    (
        {"taylor_coefficient": [-a for a in POLYNOMIAL], "distortion_center": [615.0, 527.5]}
        | {"stretch_matrix": [[1.0, -0.002], [0.001, 0.999]]},
        replace(OCAM, width=0, height=0, radius=float(np.hypot(615.0, 527.5))),
    ),
    (
        {"polynomialC2W": POLYNOMIAL, "size": [1280, 1024], "image_center": [615.0, 527.5]}
        | {"affine": [0.9, 0.1, 0.2], "c": 0.999, "d": 0.001, "e": -0.002}
        | {"imageCircleRadius": 512},
        replace(OCAM, radius=512.0),
    ),
    (
        {"pol": [-a for a in POLYNOMIAL], "xc": 615.0, "yc": 527.5, "width": 1280, "height": 1024}
        | {"c": 0.999, "d": 0.001, "e": -0.002},
        OCAM,
    ),
    (
        {"model_type": "SCARAMUZZA", "image_width": 1280, "image_height": 1024}
        | {"poly_parameters": {f"p{i}": a for i, a in enumerate(POLYNOMIAL)}}
        | {"affine_parameters": {"ac": 1.0, "ad": -0.002, "ae": 0.001, "cx": 615.0, "cy": 527.5}},
        replace(OCAM, affine=((1.0, -0.002), (0.001, 1.0))),
    ),
]


def metashape(projection, **values):
    rows = "".join(f"<{key}>{value}</{key}>" for key, value in values.items())
    rows += "<width>1280</width><height>800</height><f>352.7</f><cx>15.2</cx><cy>1.4</cy>"
    return f"<calibration><projection>{projection}</projection>{rows}</calibration>"


TEXTS = [
    # f + b1 along x; its P1 moves along x, as OpenCV's p2.
    (metashape("frame", b1=-0.1, k1=-0.3, k2=0.1, k3=-0.01, p1=-2e-3, p2=1e-3), PINHOLE),
    (
        metashape("equidistant_fisheye", k1=0.05, p1=-2e-3, p2=1e-3),
        ThinPrismFisheyeCamera(
            *(352.7, 352.7, 654.7, 400.9, (0.05, 0, 0, 0), (1e-3, -2e-3), (0, 0, 0, 0)),
            *(*SIZE, False),
        ),
    ),
    (  # ost.txt of ROS
        "# oST version 5.0 parameters\n\n[image]\n\nwidth\n1280\n\nheight\n800\n\n[left]\n\n"
        "camera matrix\n352.6 0 654.7\n0 352.7 400.9\n0 0 1\n\n"
        "distortion\n-0.3 0.1 0.001 -0.002 -0.01\n\nrectification\n1 0 0\n0 1 0\n0 0 1\n",
        PINHOLE,
    ),
]


def assert_same(camera, expected):
    assert type(camera) is type(expected)
    found, wanted = (np.hstack([np.ravel(v) for v in astuple(c)]) for c in (camera, expected))
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("content, expected", KINDS + TEXTS)
def test_a_camera_of_each_kind_is_read(tmp_path, content, expected):
    if isinstance(content, str):
        assert_same(camera_of(tmp_path / "calib", content), expected)
        return
    as_json = json.dumps(content)
    assert_same(camera_of(tmp_path / "calib", as_json), expected)
    as_yaml = yaml.safe_dump(json.loads(as_json))
    assert_same(camera_of(tmp_path / "calib", as_yaml), expected)


def test_ocamcalib_text_and_json_are_one_camera(tmp_path):
    first = camera_of(tmp_path / "calib_results.txt", OCAM_TEXT)
    content = {
        "size": [1280, 1024],
        "intrinsic": [[500, 0, 615.0, 0], [0, 500, 527.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        "polynomialC2W": POLYNOMIAL,
        "affine": [0.999, 0.001, -0.002],
        "imageCircleRadius": first.radius,
    }
    assert camera_of(tmp_path / "a.json", json.dumps(content)) == first == OCAM
    # Straight ahead is the centre; what is right in the scene is right in the picture.
    assert np.allclose(first.project(np.array([0.0, 0, 1])), [615.0, 527.5])
    right, down = first.project(np.array([[0.5, 0, 1], [0, 0.5, 1]])) - [615.0, 527.5]
    assert right[0] > 100 > abs(right[1]) and down[1] > 100 > abs(down[0])


def test_encodings_line_ends_and_compression_make_no_difference(tmp_path):
    path = tmp_path / "calib"
    for text in (OCAM_TEXT, json.dumps(GOOD, indent=1), f"%YAML:1.0\n---\n{yaml.safe_dump(GOOD)}"):
        expected = camera_of(path, text)
        lines = text.replace("\n", "\r\n")
        plain = (lines.encode("utf-8-sig"), lines.encode("utf-16"))
        for data in (*plain, *map(gzip.compress, plain)):
            path.write_bytes(data)
            assert load_calibration(str(path)).camera == expected


AT = "1280 800 352.6 352.7 655.2 401.4"
PRISMS = ThinPrismFisheyeCamera(
    *(*NUMBERS, (0.1, 0.2, 0.3, 0.4), (1e-3, 2e-3), (3e-4, 0, 4e-4, 0), *SIZE, False)
)
FISHEYE624 = replace(
    PRISMS, k=ARIA_K, p=(2e-3, 1e-3), s=(3e-4, 4e-4, 5e-4, 6e-4), radial_first=True
)
COLMAP = [
    (0, "SIMPLE_PINHOLE 1280 800 352.6 655.2 401.4", replace(PLAIN, fy=352.6)),
    (1, f"PINHOLE {AT}", PLAIN),
    (4, f"OPENCV {AT} -0.3 0.1 0.001 -0.002", replace(PINHOLE, distortion=D4)),
    (5, f"OPENCV_FISHEYE {AT} {' '.join(map(str, D))}", FISHEYE),
    (6, f"FULL_OPENCV {AT} -0.3 0.1 0.001 -0.002 -0.01 0.01 0.02 0.03", RATIONAL),
    (7, f"FOV {AT} 0.9", FOV),
    (
        *(9, "RADIAL_FISHEYE 1280 800 352.6 655.2 401.4 -0.05 0.01"),
        replace(FISHEYE, fy=352.6, k=(-0.05, 0.01, 0, 0)),
    ),
    (10, f"THIN_PRISM_FISHEYE {AT} 0.1 0.2 1e-3 2e-3 0.3 0.4 3e-4 4e-4", PRISMS),
    (
        11,
        f"RAD_TAN_THIN_PRISM_FISHEYE {AT} 0.4 -0.5 0.2 1.1 -1.7 0.65 1e-3 2e-3 3e-4 4e-4 5e-4 6e-4",
        FISHEYE624,
    ),
    (13, f"DIVISION {AT} -0.1", DivisionCamera(*NUMBERS, (-0.1,), *SIZE)),
    (16, f"EUCM {AT} 0.6 1.05", EUCM),
]


@pytest.mark.parametrize("number, row, expected", COLMAP)
def test_colmap_text_and_binary_have_pixel_centres_at_halves(tmp_path, number, row, expected):
    text = f"# Camera list with one line of data per camera:\n1 {row}\n"
    _, width, height, *parameters = row.split()
    head = struct.pack("<QiiQQ", 1, 1, number, int(width), int(height))
    (tmp_path / "cameras.bin").write_bytes(
        head + struct.pack(f"<{len(parameters)}d", *map(float, parameters))
    )
    binary = load_calibration(str(tmp_path)).camera
    assert camera_of(tmp_path / "cameras.txt", text) == binary
    assert_same(binary, expected)


def test_one_of_several_cameras_is_chosen_by_name_or_number(tmp_path):
    path = tmp_path / "cameras #1.txt"
    path.write_text("3 SIMPLE_RADIAL 640 480 500 320 240 -0.1\n7 PINHOLE 640 480 500 510 320 240\n")
    assert "holds cameras 3, 7: choose one, as in cameras #1.txt#3" in refusal(path)
    assert load_calibration(f"{path}#3").camera.distortion == (-0.1, 0, 0, 0)
    assert load_calibration(f"{path}#7").camera.fy == 510
    assert "holds no camera 5, but 3, 7" in refusal(f"{path}#5")
    left, right = kalibr("ds", "none", [-0.2, 0.6])["cam0"], BY_NAME | WH | KS
    path = tmp_path / "rig.yaml"
    path.write_text(yaml.safe_dump({"cam0": left, "right": right, "date": "today"}))
    assert load_calibration(f"{path}#0").camera == SPHERES
    assert load_calibration(f"{path}#right").camera == FISHEYE
    assert "holds cameras cam0, right" in refusal(path)
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, value in (("M1", K), ("D1", D), ("M2", K), ("D2", np.array(D5))):
        storage.write(name, value)
    storage.release()
    assert load_calibration(f"{path}#1").camera == replace(FISHEYE, width=0, height=0)
    assert load_calibration(f"{path}#2").camera == replace(PINHOLE, width=0, height=0)
    assert "holds cameras 1, 2" in refusal(path)


def test_messages_of_one_camera_are_one_and_different_ones_are_refused(tmp_path):
    path = tmp_path / "echo.yaml"
    stamped = ROS | {"header": {"seq": 7}}
    assert camera_of(path, yaml.safe_dump_all([ROS, stamped])) == FISHEYE
    path.write_text(yaml.safe_dump_all([ROS, ROS | {"D": [0.0] * 4}]))
    assert "2 different cameras" in refusal(path)


def test_pictures_of_another_size_are_scaled_or_cropped_around_the_centre(tmp_path):
    calibration = load_calibration("training")
    assert calibration.for_picture(1280, 800) is RELEASE_CAMERA
    assert calibration.for_picture(640, 400) == RELEASE_CAMERA.resized(640, 400)
    assert calibration.for_picture(800, 800) == RELEASE_CAMERA.cropped(240, 0, 800, 800)
    assert calibration.for_picture(1280, 600) == RELEASE_CAMERA.cropped(0, 100, 1280, 600)
    for width, height in ((640, 640), (1280, 900), (1000, 700)):
        with pytest.raises(UserError, match=f"{width}×{height} is neither"):
            calibration.for_picture(width, height)


def test_a_calibration_without_a_size_is_for_the_pictures_it_is_used_on(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"K": K.tolist(), "D": D.tolist()}))
    calibration = load_calibration(str(path))
    assert calibration.for_picture(1280, 800) == FISHEYE
    with pytest.raises(UserError, match="outside the picture of 640×400"):
        calibration.for_picture(640, 400)
    content, expected = next(row for row in KINDS if "stretch_matrix" in row[0])
    path.write_text(json.dumps(content))
    camera = load_calibration(str(path)).for_picture(1280, 1024)
    assert camera == replace(expected, width=1280, height=1024, radius=OCAM.radius)


GOOD = {"K": K.tolist(), "D": D.tolist(), "DIM": [1280, 800]}
PIN = BY_NAME | WH | {"model": "pinhole"}


def matrix(*rows):
    return GOOD | {"K": rows}


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "empty"),
        ("hello there", "not a calibration of a known kind; known are COLMAP, OCamCalib"),
        ('{"K": [1, 2', "YAML in line 1"),
        ("<a><b></a>", "broken XML"),
        ({"D": D.tolist()}, "not a calibration"),
        ({"fx": 1, "fy": 1, "cx": 1} | KS, "lacks cy"),
        ({"K": K.tolist()}, "no distortion coefficients"),
        (GOOD | {"D": D[:3].tolist()}, "4 or 6 distortion coefficients, found 3"),
        (GOOD | {"K": K[:2].tolist()}, "4 or 9 numbers, not 6"),
        (matrix([352, "x", 3], [0, 1, 2], [0, 0, 1]), "not a matrix"),
        (GOOD | {"D": [0.1, None, 0, 0]}, "not finite"),
        (GOOD | {"DIM": [1280]}, "picture size"),
        (GOOD | {"DIM": [1280.5, 800]}, "whole numbers of pixels"),
        (BY_NAME | WH | KS | {"fx": [352, 353]}, "fx: one number is needed, found 2"),
        (GOOD | {"model": "mirror"}, "'mirror' is not supported"),
        (GOOD | {"D": [-1e4, 0, 0, 0]}, "folds over"),
        (GOOD | {"D": [-3.0, 0, 0, 0]}, "sees no further than 1"),
        (matrix([-352, 0, 600], [0, 352, 400], [0, 0, 1]), "focal length must be above zero"),
        (matrix([352, 0, 600], [0, 352, 400], [0, 0, 2]), "must have the form"),
        (matrix([352, 3, 600], [0, 352, 400], [0, 0, 1]), "skew of 3"),
        (GOOD | {"K": K.T.tolist()}, "transposed"),
        (matrix([352, 0, 1300], [0, 352, 400], [0, 0, 1]), "principal point"),
        (matrix([3.1, 0, 600], [0, 3.1, 400], [0, 0, 1]), "not one in pixels"),
        (GOOD | {"DIM": [6400, 4000]}, "the lens covers"),
        (PIN | P4 | {"p1": 0.03}, "no lens's"),
        (ROS | {"distortion_model": None}, "camera model None is no name"),
        (ROS | {"distortion_model": ["equidistant"]}, "model ['equidistant'] is no"),
        (BY_NAME | KS | IMAGE_WH | {"image_width": True}, "picture size [True, 800]"),
        # Nothing that changes the lens is left out.
        (GOOD | {"k5": 0.1, "xi": None}, "xi: not all numbers"),
        (BY_NAME | WH | KS | {"model": "fisheye", "p1": 0.01}, "p1 = 0.01: the fish"),
        (PIN | P4 | {"b1": 0.5}, "b1 = 0.5: the pinhole model has no such term"),
        (BY_NAME | WH | P4 | {"k4": 0.5}, "k4 without k5, k6 = 0.5"),
        (PIN | KS, "k4 without k5, k6 = -1.2e-05"),
        (kalibr("omni", "equidistant", [0.8], D), "omni-equidistant is not"),
        (BY_NAME | WH | {"k1": 0.5}, "state model: fisheye or model: pinhole"),
        ({"fl_x": 352, "cx": 640, "cy": 400, "w": 1280, "h": 800, "k4": 1}, "of r^8"),
        (metashape("frame", k1=-0.1, b2=0.3), "b2 = 0.3"),
        (metashape("frame", k4=0.3), "k4 of r^8"),
        (metashape("spherical"), "spherical is not supported; frame, fisheye"),
        (ROS | {"roi": {"x_offset": 900, "y_offset": 0, **WH}}, "not inside"),
        (kalibr("ds", "radtan", [-0.2, 0.6], D4), "ds-radtan is not supported"),
        (kalibr("omni", "radtan", [], D4), "9 parameters, 8 are given"),
        (basalt("bal"), "Basalt model bal is not supported; pinhole,"),
        (basalt("eucm", alpha=1.6, beta=1), "alpha is 1.6"),
        (orbslam("Fisheye"), "Camera.type Fisheye is not supported; PinHole"),
        ({"fisheye_params": [1]}, "not as gyroflow writes it"),
        (json.dumps(basalt("kb4", **KS)).replace("[[1280, 800]]", "3"), "not as Basalt writes it"),
        (json.dumps(kalibr("pinhole", "none")).replace(", 800]", "]"), r"a width and a height"),
        (json.dumps(kalibr("ds", "none", [0, 0])).replace("352.6", "1" + "0" * 400), "not all num"),
        (GOOD | {"D": [10**400, 0, 0, 0]}, "coefficients: not a matrix"),
        (ROS | {"roi": WH | {"x_offset": np.inf, "y_offset": 0}}, "not as OpenCV"),
        (
            {"polynomialC2W": POLYNOMIAL, "image_center": [615, 527], "size": [1280, 1024]}
            | {"affine": [0, 0, 0]},
            "affine is",
        ),
        ("a: " + "[" * 2000 + "]" * 2000, "nested too deeply"),
        ("<a>" * 9999 + "</a>" * 9999, "nested too deeply"),
        ({"fl_x": 352, "camera_model": ["OPENCV"]}, "not as nerfstudio writes it"),
        ({"intrinsics": [352.6, 352.7]}, "not a calibration of a known kind"),
        (
            {"fisheye_params": {}, "distortion_model": "sony"},
            "distortion_model sony is not supported; opencv_fisheye",
        ),
        ({"fisheye_params": {}, "digital_lens": "gopro_superview"}, "digital lens"),
        ({"polynomialC2W": [-200, 0, 0.001], "size": [2, 2]}, "lacks 'intrinsic'"),
        (OCAM_TEXT.split("#affine")[0], "cut off: 'affine parameters' is missing"),
        (OCAM_TEXT.replace("5 -2.924", "7 -2.924"), "7 coefficients announced, 5 here"),
        (OCAM_TEXT.replace("527.5 615.0", "527.5 1615.0"), "principal point"),
        ("1 OPENCV_FISHEYE 1280 800 1 2 3\n", "8 parameters, 3 are given"),
    ],
)
def test_what_cannot_be_read_rightly_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "calib.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    assert message in refusal(path)


def test_a_missing_file_names_what_is_built_in(tmp_path):
    assert "or 'training'" in refusal(tmp_path / "none.json")
    for name in ("", "a\0b"):
        with pytest.raises(UserError, match="is empty or holds a null character"):
            load_calibration(name)
    assert "Is a directory" in refusal(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe\0")
    assert "not a calibration" in refusal(tmp_path / "picture.png")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(OCAM_TEXT.encode())[:50])
    assert "compressed file is broken" in refusal(tmp_path / "cut.gz")


DOCUMENTS = [content for content, _ in KINDS] + [GOOD]
DOCUMENTS += [OCAM_TEXT, metashape("frame", k1=-0.1)]
DOCUMENTS += ["1 OPENCV_FISHEYE 1280 800 352 352 654 400 0 0 0 0\n"]


def fuzzed(content):
    """A document of a mutated kind, as JSON or YAML, or a damaged text."""
    if isinstance(content, str):
        return mutations.damaged(content.encode())
    content = json.loads(json.dumps(content))
    return mutations.mutated_json(content) | mutations.damaged(yaml.safe_dump(content).encode())


@mutations.FUZZ
@given(data=st.data())
def test_any_other_content_is_a_camera_that_can_be_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_bytes(data.draw(st.sampled_from(DOCUMENTS).flatmap(fuzzed)))
    try:
        camera = load_calibration(str(path)).camera
    except UserError as error:
        assert str(error).startswith(f"{path}: ") and len(str(error)) < 1000
        return
    assert np.isfinite(camera.unproject(np.array([camera.cx, camera.cy]))).all()


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 10**6,
        "\n" * 10**5 + "[",
        " \n" * 10**5,
        "a" * 10**6,
        "camera matrix\n" + "1\n" * 10**6,
    ],
)
def test_blank_and_long_lines_take_no_time(tmp_path, text):
    (tmp_path / "a.txt").write_text(f"x{text}x")
    began = time.monotonic()
    refusal(tmp_path / "a.txt")
    assert time.monotonic() - began < 3


def test_a_bomb_or_a_pipe_is_refused(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b" " * (65 << 20)))
    assert "larger than 64 MiB" in refusal(tmp_path / "a.gz")
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe or a device" in refusal(tmp_path / "pipe")
