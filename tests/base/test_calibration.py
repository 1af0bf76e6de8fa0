"""Calibration files of every kind, written by the libraries that define them where they can."""

import json

import cv2
import numpy as np
import pytest
import yaml

from base.calibration import load_calibration
from base.cameras.pinhole import PinholeCamera
from base.errors import UserError
from base.release_camera import RELEASE_CAMERA, FisheyeCamera

K = np.array([[352.6, 0, 654.7], [0, 352.7, 400.9], [0, 0, 1.0]])
D = np.array([-0.0563, -0.00383, -2.5e-4, -1.2e-5])
FISHEYE = FisheyeCamera(352.6, 352.7, 654.7, 400.9, tuple(D), 1280, 800)
D5 = (-0.3, 0.1, 1e-3, -2e-3, -0.01)
PINHOLE = PinholeCamera(352.6, 352.7, 654.7, 400.9, D5, 1280, 800)

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


def camera_of(path, text):
    path.write_text(text)
    return load_calibration(str(path)).camera


@pytest.mark.parametrize("suffix", [".yml", ".json"])
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


@pytest.mark.parametrize(
    "content",
    [
        {"K": K.tolist(), "D": D.reshape(4, 1).tolist(), "DIM": [1280, 800]},
        {"cameraMatrix": K.tolist(), "distCoeffs": [D.tolist()], "image_size": [1280, 800]},
        {
            **{"fx": 352.6, "fy": 352.7, "cx": 654.7, "cy": 400.9, "width": 1280, "height": 800},
            **dict(zip(("k1", "k2", "k3", "k4"), D.tolist(), strict=True)),
        },
        {
            **{"fx": 352.6, "fy": 352.7, "cx": 654.7, "cy": 400.9, "k": D.tolist()},
            "size": {"width": 1280, "height": 800},
        },
        {  # ROS
            **{"image_width": 1280, "image_height": 800, "distortion_model": "equidistant"},
            "camera_matrix": {"rows": 3, "cols": 3, "data": K.ravel().tolist()},
            "distortion_coefficients": {"rows": 1, "cols": 4, "data": D.tolist()},
        },
        {  # Kalibr
            "cam0": {
                **{"camera_model": "pinhole", "distortion_model": "equidistant"},
                **{"intrinsics": [352.6, 352.7, 654.7, 400.9], "resolution": [1280, 800]},
                "distortion_coeffs": D.tolist(),
            }
        },
    ],
)
@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump])
def test_the_ways_people_save_a_fisheye_calibration_are_read(tmp_path, content, dump):
    assert camera_of(tmp_path / "calib", dump(content)) == FISHEYE


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (D5[:4], D5[:4]),
        (D5, D5),
        ((*D5, 0.1, 0.2, 0.3), (*D5, 0.1, 0.2, 0.3)),
        ((*D5, *(0.0,) * 9), (*D5, *(0.0,) * 3)),
        ((*D5[:4], 0.0, 0.0), (*D5[:4], 0.0)),
        (None, ()),
    ],
)
def test_a_stated_pinhole_has_none_or_four_to_eight_terms(tmp_path, terms, expected):
    content = {"model": "pinhole", "K": K.tolist(), "D": terms, "DIM": [1280, 800]}
    camera = camera_of(tmp_path / "a.json", json.dumps(content))
    assert camera == PinholeCamera(352.6, 352.7, 654.7, 400.9, expected, 1280, 800)


def test_ocamcalib_text_and_json_are_one_camera(tmp_path):
    first = camera_of(tmp_path / "calib_results.txt", OCAM_TEXT)
    content = {
        "size": [1280, 1024],
        "intrinsic": [[500, 0, 615.0, 0], [0, 500, 527.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        "polynomialC2W": [-2.924e2, 0.0, 1.0756e-3, 2.07e-7, 4.49e-10],
        "affine": [0.999, 0.001, -0.002],
        "imageCircleRadius": first.radius,
    }
    assert camera_of(tmp_path / "a.json", json.dumps(content)) == first
    assert (first.cx, first.cy, first.width, first.height) == (615.0, 527.5, 1280, 1024)
    assert first.affine == ((1.0, -0.002), (0.001, 0.999))
    # Straight ahead is the centre; what is right in the scene is right in the picture.
    assert np.allclose(first.project(np.array([0.0, 0, 1])), [615.0, 527.5])
    right, down = first.project(np.array([[0.5, 0, 1], [0, 0.5, 1]])) - [615.0, 527.5]
    assert right[0] > 100 > abs(right[1]) and down[1] > 100 > abs(down[0])


def test_colmap_pixels_have_their_centres_at_halves(tmp_path):
    numbers = " ".join(str(value) for value in (352.6, 352.7, 655.2, 401.4, *D))
    text = f"# Camera list with one line of data per camera:\n1 OPENCV_FISHEYE 1280 800 {numbers}\n"
    camera = camera_of(tmp_path / "cameras.txt", text)
    points = np.array([[0.3, -0.2, 0.5], [1.0, 1.0, 0.1]])
    assert np.abs(camera.project(points) - FISHEYE.project(points)).max() < 1e-9


def test_colmap_camera_is_chosen_by_number(tmp_path):
    path = tmp_path / "cameras.txt"
    path.write_text("3 SIMPLE_RADIAL 640 480 500 320 240 -0.1\n7 PINHOLE 640 480 500 510 320 240\n")
    with pytest.raises(UserError, match=r"cameras 3, 7: choose one, as in cameras.txt#3"):
        load_calibration(str(path))
    assert load_calibration(f"{path}#3").camera.distortion == (-0.1, 0, 0, 0)
    assert load_calibration(f"{path}#7").camera.fy == 510
    with pytest.raises(UserError, match="no camera 5"):
        load_calibration(f"{path}#5")


def test_pictures_of_another_size_are_scaled_or_cropped_around_the_centre(tmp_path):
    calibration = load_calibration("training")
    assert calibration.for_picture(1280, 800) is RELEASE_CAMERA
    assert calibration.for_picture(640, 400) == RELEASE_CAMERA.resized(640, 400)
    assert calibration.for_picture(800, 800) == RELEASE_CAMERA.cropped(240, 0, 800, 800)
    assert calibration.for_picture(1280, 600) == RELEASE_CAMERA.cropped(0, 100, 1280, 600)
    for width, height in ((640, 640), (1280, 900), (1000, 700)):
        with pytest.raises(UserError, match=f"{width}×{height} is neither"):
            calibration.for_picture(width, height)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"K": K.tolist(), "D": D.tolist()}))
    assert load_calibration(str(path)).for_picture(1280, 800) == FISHEYE


GOOD = {"K": K.tolist(), "D": D.tolist(), "DIM": [1280, 800]}


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "empty"),
        ("hello there", "not a calibration"),
        ("[1, 2]", "no mapping"),
        (json.dumps({"D": D.tolist()}), "no camera matrix"),
        (json.dumps({"fx": 1, "fy": 1, "cx": 1, "D": D.tolist()}), "lacks cy"),
        (json.dumps({"K": K.tolist()}), "no distortion coefficients"),
        (json.dumps(GOOD | {"D": D[:3].tolist()}), "4 distortion coefficients, found 3"),
        (json.dumps(GOOD | {"K": K[:2].tolist()}), "6 numbers"),
        (json.dumps(GOOD | {"K": [[352, "x", 3], [0, 1, 2], [0, 0, 1]]}), "not a matrix"),
        (json.dumps(GOOD | {"D": [0.1, None, 0, 0]}), "not finite"),
        (json.dumps(GOOD | {"DIM": [1280]}), "picture size"),
        (json.dumps(GOOD | {"model": "mirror"}), "'mirror' is not supported"),
        (json.dumps(GOOD | {"D": [-1e4, 0, 0, 0]}), "folds over"),
        (json.dumps(GOOD | {"K": (-K).tolist()}), "focal length"),
        (json.dumps({"polynomialC2W": [-200, 0, 0.001], "size": [2, 2]}), "lacks 'intrinsic'"),
        (OCAM_TEXT.split("#affine")[0], "cut off: 'affine parameters' is missing"),
        (OCAM_TEXT.replace("5 -2.924", "7 -2.924"), "7 coefficients announced, 5 here"),
        ("1 OPENCV_FISHEYE 1280 800 1 2 3\n", "8 parameters, 3 are given"),
        ("1 THIN_PRISM_FISHEYE 1280 800 1 2 3\n", "THIN_PRISM_FISHEYE is not supported"),
    ],
)
def test_an_incomplete_calibration_says_in_one_line_what_is_missing(tmp_path, text, message):
    path = tmp_path / "calib.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_calibration(str(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_names_what_is_built_in(tmp_path):
    with pytest.raises(UserError, match="or 'training'"):
        load_calibration(str(tmp_path / "none.json"))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UserError, match="not a text file"):
        load_calibration(str(tmp_path / "picture.png"))
