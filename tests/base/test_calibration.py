"""Calibration files of every kind, written by the libraries that define them where they can."""

import json
import struct
from dataclasses import astuple, replace
from pathlib import Path

import cv2
import mutations
import numpy as np
import pytest
import yaml
from commands import refused
from hypothesis import given
from hypothesis import strategies as st

from base.calibration import load_calibration
from base.cameras import camera_to_dict
from base.cameras.fisheye import FisheyeCamera, ThinPrismFisheyeCamera
from base.cameras.ocam import OCamCamera
from base.cameras.pinhole import FovCamera, PinholeCamera
from base.cameras.sphere import DoubleSphereCamera, EucmCamera, UnifiedCamera
from base.errors import UserError
from base.release_camera import RELEASE_CAMERA

FOLDER = Path(__file__).parents[2].parent / "shared" / "camera_files"
#: What is expected of each file there.
_ROWS = Path(__file__).with_name("camera_files.txt").read_text("utf-8").splitlines()
FILES = dict(row.split(" | ") for row in _ROWS if not row.startswith("#"))

NUMBERS = (352.6, 352.7, 654.7, 400.9)
SIZE = (1280, 800)
K = np.array([[352.6, 0, 654.7], [0, 352.7, 400.9], [0, 0, 1.0]])
D = [-0.0563, -0.00383, -2.5e-4, -1.2e-5]
D4 = (-0.3, 0.1, 1e-3, -2e-3)
D5 = (*D4, -0.01)
BY_NAME = dict(zip(("fx", "fy", "cx", "cy"), NUMBERS, strict=True))
WH = {"width": 1280, "height": 800}
IMAGE_WH = {"image_width": 1280, "image_height": 800}
KS = dict(zip(("k1", "k2", "k3", "k4"), D, strict=True))
P4 = dict(zip(("k1", "k2", "p1", "p2"), D4, strict=True))
P8 = P4 | {"k3": -0.01, "k4": 0.01, "k5": 0.02, "k6": 0.03}

FISHEYE = FisheyeCamera(*NUMBERS, tuple(D), *SIZE)
PINHOLE = PinholeCamera(*NUMBERS, D5, *SIZE)
PIN4, PLAIN = replace(PINHOLE, distortion=D4), replace(PINHOLE, distortion=())
RATIONAL = replace(PINHOLE, distortion=(*D5, 0.01, 0.02, 0.03))
UNIFIED = UnifiedCamera(*NUMBERS, 0.8, D4, *SIZE)
SPHERES = DoubleSphereCamera(*NUMBERS, -0.2, 0.6, *SIZE)
EUCM = EucmCamera(*NUMBERS, 0.6, 1.05, *SIZE)
FOV = FovCamera(*NUMBERS, 0.9, *SIZE)
K4, S4, K6 = (0.1, 0.2, 0.3, 0.4), (3e-4, 4e-4, 5e-4, 6e-4), (0.4, -0.5, 0.2, 1.1, -1.7, 0.65)
PRISMS = ThinPrismFisheyeCamera(*NUMBERS, K4, (1e-3, 2e-3), (3e-4, 0, 4e-4, 0), *SIZE, False)
FISHEYE624 = replace(PRISMS, k=K6, p=(2e-3, 1e-3), s=S4, radial_first=True)

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
AHEAD, CDE = tuple(-a for a in POLYNOMIAL), {"c": 0.999, "d": 0.001, "e": -0.002}
CORNER = float(np.hypot(665.0, 527.5))
OCAM = OCamCamera(615.0, 527.5, AHEAD, ((1.0, -0.002), (0.001, 0.999)), 1280, 1024, CORNER)


def camera_of(path, text):
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return load_calibration(str(path)).camera


def refusal(name):
    with pytest.raises(UserError) as caught:
        load_calibration(str(name))
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and "\n" not in message
    return message


def assert_same(camera, expected):
    assert type(camera) is type(expected)
    found, wanted = (np.hstack([np.ravel(v) for v in astuple(c)]) for c in (camera, expected))
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the public calibrations are not here")
@pytest.mark.parametrize("name", FILES)
def test_a_public_file_is_read_rightly_or_refused(name):
    model, *values = FILES[name].split()
    if model == "refused:":
        assert FILES[name].removeprefix("refused: ") in refusal(FOLDER / name)
        return
    width, height, *values = map(float, values)
    camera = load_calibration(str(FOLDER / name)).camera
    found = np.concatenate([np.ravel(value) for value in astuple(camera)])
    assert camera_to_dict(camera).get("model", "fisheye") == model
    assert (camera.width, camera.height) == (width, height)
    assert found[: len(values)] == pytest.approx(values, rel=1e-5)


@pytest.mark.parametrize("suffix", [".yml", ".json", ".xml"])
@pytest.mark.parametrize("terms, expected", [(D, FISHEYE), (D5, PINHOLE)])
def test_what_opencv_itself_writes_is_read(tmp_path, suffix, terms, expected):
    path = tmp_path / f"calib{suffix}"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("camera_matrix", K)
    storage.write("distortion_coefficients", np.array(terms)[:, None])
    for key, side in IMAGE_WH.items():
        storage.write(key, side)
    storage.release()
    assert load_calibration(str(path)).camera == expected


GOOD = {"K": K.tolist(), "D": D, "DIM": [1280, 800]}
ROS = {"height": 800, "width": 1280, "distortion_model": "equidistant", "D": D}
ROS |= {"K": K.ravel().tolist(), "binning_x": 0, "roi": {"width": 0, "height": 0}}


def kalibr(model, distortion, first=(), terms=(), key="distortion_coeffs"):
    content = {"camera_model": model, "distortion_model": distortion, "resolution": [*SIZE]}
    content |= {"intrinsics": [*first, *NUMBERS], key: [*map(float, terms)]}
    return {"cam0": content}


def basalt(kind, **values):
    entry = {"camera_type": kind, "intrinsics": BY_NAME | values}
    return {"value0": {"intrinsics": [entry], "resolution": [[*SIZE]]}}


def camodocal(kind, **parts):
    parts = {f"{part}_parameters": values for part, values in parts.items()}
    return {"model_type": kind, **IMAGE_WH, **parts}


def orbslam(kind, **values):
    content = {"Camera.type": kind, "Camera.width": 1280, "Camera.height": 800, "Camera.fps": 30}
    return content | {f"Camera1.{key}": value for key, value in (BY_NAME | values).items()}


def metashape(projection, **values):
    rows = "".join(f"<{key}>{value}</{key}>" for key, value in values.items())
    rows += "<width>1280</width><height>800</height><f>352.7</f><cx>15.2</cx><cy>1.4</cy>"
    return f"<calibration><projection>{projection}</projection>{rows}</calibration>"


def opencv(**more):
    return {"model": "pinhole", "K": K.tolist(), "DIM": SIZE} | more


KB = dict(zip(("mu", "mv", "u0", "v0", "k2", "k3", "k4", "k5"), (*NUMBERS, *D), strict=True))
GAMMA = dict(zip(("gamma1", "gamma2", "u0", "v0"), NUMBERS, strict=True))
GYROFLOW = {"calib_dimension": {"w": 1280, "h": 800}}
GYROFLOW |= {"fisheye_params": {"camera_matrix": K.tolist(), "distortion_coeffs": D}}
HALF = {"fl_x": 352.6, "fl_y": 352.7, "cx": 655.2, "cy": 401.4, "w": 1280, "h": 800}
KINDS = [
    ({"cameraMatrix": K.tolist(), "distCoeffs": [D], "image_size": [1280, 800]}, FISHEYE),
    (BY_NAME | {"k": D, "size": WH}, FISHEYE),
    ({"cameras": {"left": BY_NAME | WH | KS}}, FISHEYE),
    (opencv(D=D4), PIN4),
    (opencv(D=(*D5, 0.01, 0.02, 0.03)), RATIONAL),
    (opencv(D=(*D5, *(0.01,) * 7, 0, 0)), replace(PINHOLE, distortion=(*D5, *(0.01,) * 7))),
    (opencv(), PLAIN),
    (opencv(model="rational_polynomial", D=(*D4, 0, 0)), replace(PINHOLE, distortion=(*D4, 0))),
    (BY_NAME | WH | KS | {"k5": 0.01, "k6": 0.002}, replace(FISHEYE, k=(*D, 0.01, 0.002))),
    (BY_NAME | WH | P8 | {"codx": 0.0}, RATIONAL),
    (BY_NAME | WH | {"model": "pinhole", "k1": -0.3}, replace(PINHOLE, distortion=(-0.3, 0, 0, 0))),
    ({"K": K.tolist(), "D": D4, "xi": [0.8], "size": SIZE}, UNIFIED),
    (  # ROS, a file
        {"camera_matrix": {"rows": 3, "cols": 3, "data": K.ravel().tolist()}, **IMAGE_WH}
        | {"distortion_coefficients": {"data": D}, "distortion_model": "equidistant"},
        FISHEYE,
    ),
    ({key.lower(): value for key, value in ROS.items()}, FISHEYE),  # ROS 2
    (
        ROS | {"roi": {"x_offset": 240, "y_offset": 0, "width": 800, "height": 700}},
        FISHEYE.cropped(240, 0, 800, 700),
    ),
    (kalibr("pinhole", "none"), PLAIN),
    (kalibr("pinhole", "radtan", (), D4), PIN4),
    (kalibr("pinhole", "equidistant", (), D), FISHEYE),
    (kalibr("pinhole", "radial-tangential", (), D4, "distortion_coefficients"), PIN4),  # EuRoC
    (kalibr("pinhole", "fov", (), [0.9]), FOV),
    (kalibr("omni", "radtan", [0.8], D4), UNIFIED),
    (kalibr("ds", "none", [-0.2, 0.6]), SPHERES),
    (kalibr("eucm", "none", [0.6, 1.05]), EUCM),
    (basalt("kb4", **KS), FISHEYE),
    (basalt("ds", xi=-0.2, alpha=0.6), SPHERES),
    (basalt("ucm", alpha=0.6), replace(EUCM, beta=1.0)),
    (basalt("pinhole-radtan8", **P8, rpmax=2.7), RATIONAL),
    (camodocal("PINHOLE", distortion=P4, projection=BY_NAME), PIN4),
    (camodocal("KANNALA_BRANDT", projection=KB), FISHEYE),
    (camodocal("MEI", mirror={"xi": 0.8}, distortion=P4, projection=GAMMA), UNIFIED),
    (orbslam("KannalaBrandt8", **KS), FISHEYE),
    (orbslam("PinHole", **P4, k3=-0.01), PINHOLE),
    (HALF | KS | {"camera_model": "OPENCV_FISHEYE", "frames": [{"file_path": "a.jpg"}]}, FISHEYE),
    (HALF | P4, PIN4),
    (GYROFLOW | {"camera_model": "X4", "distortion_model": None}, FISHEYE),
    # Of a camera 1280 wide whose centre is 14.7 px right of and 1.4 px below the picture's middle.
    (
        {"projection_type": "brown", "focal_x": 352.6 / 1280, "focal_y": 352.7 / 1280, **WH}
        | {"c_x": 15.2 / 1280, "c_y": 1.4 / 1280, **P4, "k3": -0.01},
        PINHOLE,
    ),
    (
        {"v2 gopro": {"projection_type": "fisheye", "focal": 0.25, "k1": 0.01, **WH}},
        FisheyeCamera(320, 320, 639.5, 399.5, (0.01, 0, 0, 0), *SIZE),
    ),
    # f + b1 along x; its P1 moves along x, as OpenCV's p2.
    (metashape("frame", b1=-0.1, k1=-0.3, k2=0.1, k3=-0.01, p1=-2e-3, p2=1e-3), PINHOLE),
    (
        metashape("equidistant_fisheye", k1=0.05, p1=-2e-3, p2=1e-3),
        replace(PRISMS, fx=352.7, k=(0.05, 0, 0, 0), p=(1e-3, -2e-3), s=(0.0,) * 4),
    ),
    (OCAM_TEXT, OCAM),
    (
        {"size": [1280, 1024], "polynomialC2W": POLYNOMIAL, "affine": [0.999, 0.001, -0.002]}
        | {"intrinsic": np.array([[9, 0, 615, 0], [0, 9, 527.5, 0], *np.eye(4)[2:]]).tolist()},
        OCAM,
    ),
    (
        {"polynomialC2W": POLYNOMIAL, "size": [1280, 1024], "image_center": [615.0, 527.5]}
        | {"affine": [0.9, 0.1, 0.2], **CDE, "imageCircleRadius": 512},
        replace(OCAM, radius=512.0),
    ),
    ({"pol": AHEAD, "xc": 615.0, "yc": 527.5, "width": 1280, "height": 1024} | CDE, OCAM),
    (
        {"taylor_coefficient": AHEAD, "distortion_center": [615.0, 527.5]}
        | {"stretch_matrix": [[1.0, -0.002], [0.001, 0.999]]},
        replace(OCAM, width=0, height=0, radius=float(np.hypot(615.0, 527.5))),
    ),
]


@pytest.mark.parametrize("content, expected", KINDS)
def test_a_camera_of_each_kind_is_read(tmp_path, content, expected):
    assert_same(camera_of(tmp_path / "calib", content), expected)


def test_encodings_and_line_ends_make_no_difference(tmp_path):
    path = tmp_path / "calib"
    for text in (OCAM_TEXT, json.dumps(GOOD, indent=1), f"%YAML:1.0\n---\n{yaml.safe_dump(GOOD)}"):
        expected = OCAM if text == OCAM_TEXT else FISHEYE
        lines = text.replace("\n", "\r\n")
        plain = (lines.encode("utf-8-sig"), lines.encode("utf-16"))
        for data in plain:
            path.write_bytes(data)
            assert load_calibration(str(path)).camera == expected


AT = "1280 800 352.6 352.7 655.2 401.4"
RAD_TAN = f"RAD_TAN_THIN_PRISM_FISHEYE {AT}"
COLMAP = [
    (0, "SIMPLE_PINHOLE 1280 800 352.6 655.2 401.4", replace(PLAIN, fy=352.6)),
    (4, f"OPENCV {AT} -0.3 0.1 0.001 -0.002", PIN4),
    (5, f"OPENCV_FISHEYE {AT} {' '.join(map(str, D))}", FISHEYE),
    (6, f"FULL_OPENCV {AT} -0.3 0.1 0.001 -0.002 -0.01 0.01 0.02 0.03", RATIONAL),
    (7, f"FOV {AT} 0.9", FOV),
    (10, f"THIN_PRISM_FISHEYE {AT} 0.1 0.2 1e-3 2e-3 0.3 0.4 3e-4 4e-4", PRISMS),
    (11, f"{RAD_TAN} 0.4 -0.5 0.2 1.1 -1.7 0.65 1e-3 2e-3 3e-4 4e-4 5e-4 6e-4", FISHEYE624),
]


@pytest.mark.parametrize("number, row, expected", COLMAP)
def test_colmap_text_and_binary_have_pixel_centres_at_halves(tmp_path, number, row, expected):
    text = f"# Camera list with one line of data per camera:\n1 {row}\n"
    _, width, height, *parameters = row.split()
    head = struct.pack("<QiiQQ", 1, 1, number, int(width), int(height))
    parameters = struct.pack(f"<{len(parameters)}d", *map(float, parameters))
    (tmp_path / "cameras.bin").write_bytes(head + parameters)
    binary = load_calibration(str(tmp_path)).camera
    assert camera_of(tmp_path / "cameras.txt", text) == binary
    assert_same(binary, expected)


def test_one_of_several_cameras_is_chosen_by_name_or_number(tmp_path):
    path = tmp_path / "cameras #1.txt"
    path.write_text("3 SIMPLE_RADIAL 640 480 500 320 240 -0.1\n7 PINHOLE 640 480 500 510 320 240\n")
    assert "holds cameras 3, 7: choose one, as in cameras #1.txt#3" in refusal(path)
    assert load_calibration(f"{path}#7").camera.fy == 510
    assert "holds no camera 5, but 3, 7" in refusal(f"{path}#5")
    left, right = kalibr("ds", "none", [-0.2, 0.6])["cam0"], BY_NAME | WH | KS
    path = tmp_path / "rig.yaml"
    path.write_text(yaml.safe_dump({"cam0": left, "right": right, "date": "today"}))
    assert load_calibration(f"{path}#0").camera == SPHERES
    assert load_calibration(f"{path}#right").camera == FISHEYE
    # Messages of one camera are one.
    assert camera_of(path, yaml.safe_dump_all([ROS, ROS | {"header": {"seq": 7}}])) == FISHEYE
    path.write_text(yaml.safe_dump_all([ROS, ROS | {"D": [0.0] * 4}]))
    assert "2 different cameras" in refusal(path)


def test_pictures_of_another_size_are_scaled_or_cropped_around_the_centre():
    calibration = load_calibration("training")
    assert calibration.for_picture(1280, 800) is RELEASE_CAMERA
    assert calibration.for_picture(640, 400) == RELEASE_CAMERA.resized(640, 400)
    assert calibration.for_picture(800, 800) == RELEASE_CAMERA.cropped(240, 0, 800, 800)
    assert calibration.for_picture(1280, 600) == RELEASE_CAMERA.cropped(0, 100, 1280, 600)
    for width, height in ((640, 640), (1280, 900), (1000, 700)):
        refused(f"{width}×{height} is neither", calibration.for_picture, width, height)


def test_a_calibration_without_a_size_is_for_the_pictures_it_is_used_on(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"K": K.tolist(), "D": D}))
    calibration = load_calibration(str(path))
    assert calibration.for_picture(1280, 800) == FISHEYE
    refused("outside the picture of 640×400", calibration.for_picture, 640, 400)
    path.write_text(json.dumps(KINDS[-1][0]))
    assert load_calibration(str(path)).for_picture(1280, 1024) == OCAM


PIN = BY_NAME | WH | {"model": "pinhole"}


def matrix(*rows):
    return GOOD | {"K": rows}


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "empty"),
        ("hello there", "not a calibration of a known kind; known are COLMAP, OCamCalib"),
        ('{"K": [1, 2', "YAML in line 1"),
        ({"fx": 1, "fy": 1, "cx": 1} | KS, "lacks cy"),
        ({"K": K.tolist()}, "no coefficients"),
        (GOOD | {"D": D[:3]}, "4 or 6 distortion coefficients, found 3"),
        (GOOD | {"K": K[:2].tolist()}, "4 or 9 numbers, not 6"),
        (matrix([352, "x", 3], [0, 1, 2], [0, 0, 1]), "not a matrix"),
        (GOOD | {"DIM": [1280.5, 800]}, "whole numbers of pixels"),
        (BY_NAME | WH | KS | {"fx": [352, 353]}, "fx: 1 numbers, not 2"),
        (GOOD | {"model": "mirror"}, "'mirror' is not supported"),
        (GOOD | {"D": [-1e4, 0, 0, 0]}, "sees no further than"),
        (GOOD | {"D": [-3.0, 0, 0, 0]}, "sees no further than 1"),
        (matrix([-352, 0, 600], [0, 352, 400], [0, 0, 1]), "focal length of -352 is not one"),
        (matrix([352, 3, 600], [0, 352, 400], [0, 0, 1]), "skew of 3"),
        (GOOD | {"K": K.T.tolist()}, "must have the form"),
        (matrix([352, 0, 1300], [0, 352, 400], [0, 0, 1]), "principal point"),
        (matrix([3.1, 0, 600], [0, 3.1, 400], [0, 0, 1]), "not one in pixels"),
        (GOOD | {"DIM": [6400, 4000]}, "the lens covers"),
        (PIN | P4 | {"p1": 0.03}, "no lens's"),
        (ROS | {"distortion_model": ["equidistant"]}, "model ['equidistant'] is no"),
        (BY_NAME | KS | IMAGE_WH | {"image_width": True}, "picture size [True, 800]"),
        # Nothing that changes the lens is left out.
        (opencv(D=(*D5, *(0.01,) * 9)), "5, 8 or 12 distortion coefficients, found 14"),
        (PIN | P4 | {"b1": 0.5}, "b1 = 0.5: the pinhole model has no such term"),
        (PIN | KS, "k4 without k5, k6 = -1.2e-05"),
        (BY_NAME | WH | {"k1": 0.5}, "k1 do not tell the lens: state model: fisheye"),
        (HALF | {"k4": 1}, "of r^8"),
        (metashape("spherical"), "spherical is not supported; frame, fisheye"),
        (ROS | {"roi": {"x_offset": 900, "y_offset": 0, **WH}}, "not inside"),
        (ROS | {"roi": WH | {"x_offset": np.inf, "y_offset": 0}}, "roi: a number is missing"),
        (kalibr("ds", "radtan", [-0.2, 0.6], D4), "ds-radtan is not supported"),
        (basalt("eucm", alpha=1.6, beta=1), "alpha is 1.6"),
        (json.dumps(basalt("kb4", **KS)).replace("[[1280, 800]]", "3"), "not as Basalt writes it"),
        (GOOD | {"D": [10**400, 0, 0, 0]}, "coefficients: not a matrix"),
        ("<a>" * 9999 + "</a>" * 9999, "nested too deeply"),
        ({"fisheye_params": {}, "digital_lens": "gopro_superview"}, "digital lens"),
        ({"polynomialC2W": [-200, 0, 0.001], "size": [2, 2]}, "'intrinsic' or 'image_center'"),
        ({"pol": [292.0, None, 0.1], "xc": 600, "yc": 400} | WH, "pol: a number is missing"),
        (OCAM_TEXT.split("#affine")[0], "cut off: 'affine parameters' is missing"),
    ],
)
def test_what_cannot_be_read_rightly_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "calib.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    assert message in refusal(path)


def test_what_is_no_file_or_a_broken_one_is_refused(tmp_path):
    assert "or 'training'" in refusal(tmp_path / "none.json")
    assert "Is a directory" in refusal(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe\0")
    assert "not a calibration" in refusal(tmp_path / "picture.png")


DOCUMENTS = [*(content for content, _ in KINDS), GOOD]
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
