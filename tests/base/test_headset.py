"""Headset files, and the signs of a camera's angles on the head."""

import json
import math

import mutations
import numpy as np
import pytest
import yaml
from commands import refused
from hypothesis import given
from hypothesis import strategies as st

from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.headset import (
    RELEASE_HEADSET,
    Headset,
    load_headset,
    mount_angles,
    mount_rotation,
)
from base.headset_files import PROFILES

# 100 px for 90°.
CAMERA = equidistant_camera(400, 400, (200.0, 200.0), 100.0, 180.0)
LENS = {"fx": 100, "fy": 100, "cx": 200, "cy": 200, "k": [0, 0, 0, 0], "width": 400, "height": 400}
SMALL = {"camera": LENS, "position": [0, 0, 2]}
# Directions in the axes of the head: to the wearer's left, forward, down.
DOWN, AHEAD, BACK, LEFT = (0, 0, 1), (0, 1, 1), (0, -1, 1), (1, 0, 1)


@pytest.mark.parametrize(
    "angles, direction, expected",
    [
        # A level picture has the wearer's left at the right and what is ahead at the bottom.
        ({}, DOWN, (0, 0)),
        ({}, LEFT, (50, 0)),
        ({}, AHEAD, (0, 50)),
        # Tilted forward, it has what is ahead in the middle.
        ({"forward": 45}, AHEAD, (0, 0)),
        ({"forward": 18}, DOWN, (0, -20)),
        ({"left": 45}, LEFT, (0, 0)),
        ({"left": 18}, DOWN, (-20, 0)),
        # To turn it clockwise by 90° puts the face, at the left of the picture, to the top.
        ({"rotate": 90}, BACK, (-50, 0)),
        ({"rotate": 90}, LEFT, (0, -50)),
        # Tilted first, then turned: the turned sensor sees the same, turned.
        ({"forward": 18, "rotate": 90}, DOWN, (-20, 0)),
        ({"left": 18, "rotate": 90}, DOWN, (0, 20)),
    ],
)
def test_angles_have_the_signs_their_names_say(angles, direction, expected):
    turned = Headset(CAMERA, **angles).rotation @ np.array(direction, float)
    assert CAMERA.project(turned) - 200 == pytest.approx(np.array(expected), abs=1e-9)


def test_the_axis_is_ahead_by_forward_and_to_the_left_by_left_and_json_keeps_a_headset():
    axis = Headset(CAMERA, forward=20, left=30, rotate=77).rotation[2]
    assert math.degrees(math.asin(axis[1])) == pytest.approx(20)
    assert math.degrees(math.atan2(axis[0], axis[2])) == pytest.approx(30)
    assert mount_angles(mount_rotation(77, 20, 30)) == pytest.approx((77, 20, 30))
    headset = Headset(CAMERA, (1.0, 2.0, 3.0), 4.0, 5.0, 90.0, 150.0, (1.0, 1.0, 2.0), 3.0, "mine")
    assert Headset.from_dict(json.loads(json.dumps(headset.as_dict()))) == headset
    assert headset.rim == pytest.approx(math.radians(75))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"camera": None}, "it has no camera"),
        ({"rotate": "90°"}, "rotate: .*number"),
        ({"name": {}}, "its name is no short text"),
        ({"colour": 1}, "unknown key colour"),
        ({"camera": LENS | {"k": [10**400]}}, "k.0: .* number, not 10+"),
        ({"camera": LENS | {"width": 0}}, "no picture size"),
    ],
)
def test_stored_values_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Headset.from_dict(Headset(CAMERA).as_dict() | change)


def test_every_profile_loads_and_that_of_the_release_is_its_headset():
    for path in PROFILES.glob("*.yml"):
        assert load_headset(path.stem).name == path.stem
    assert load_headset("xr-egopose") == RELEASE_HEADSET
    refused(r"no such file.*one of .*xr-egopose", load_headset, "nothing")


@pytest.mark.parametrize(
    "name, pixel, way",
    [
        # Computed with the sets' own polynomials from angle to radius, which the profiles lack.
        ("sceneego", (716.700, 680.187), -1),
        ("mo2cap2", (761.477, 682.708), -1),
        ("egowholebody", (716.304, 679.931), -1),
        ("unrealego_left", (677.676, 760.710), 1),
    ],
)
def test_lens_and_mount_of_a_profile_are_those_of_its_set(name, pixel, way):
    headset = load_headset(name)
    camera = headset.camera
    np.testing.assert_allclose(camera.project(np.array([0.2, 0.3, 0.5])), pixel, atol=0.02)
    # Pictures have the wearer's left at the right and the face at the top, or are turned by 180°.
    left, back = (headset.rotation @ np.array(each, float) for each in (LEFT, BACK))
    assert way * (camera.project(left)[0] - camera.cx) > 100
    assert way * (camera.cy - camera.project(back)[1]) > 100


def test_a_file_may_choose_a_camera_and_say_its_size_how_it_is_worn_and_be_utf_16(
    tmp_path, monkeypatch
):
    monkeypatch.chdir("/")  # a calibration is found beside the headset file
    rows = "1 PINHOLE 640 480 300 300 320 240\n2 PINHOLE 640 480 400 400 320 240\n"
    (tmp_path / "cameras.txt").write_text(rows)
    lens = {key: value for key, value in LENS.items() if key not in ("width", "height")}
    worn = {"rotate": 270, "spread": {"position": [1, 2, 3], "tilt": 4}}
    path = tmp_path / "mine.yml"
    for camera, picture, fx in (("cameras.txt#2", [320, 240], 200), (lens, [400, 400], 100)):
        content = SMALL | worn | {"camera": camera, "picture": picture}
        path.write_text(yaml.safe_dump(content), encoding="utf-16")
        headset = load_headset(path)
        assert (headset.camera.fx, headset.camera.width) == (fx, picture[0])
        assert (headset.position, headset.rotate) == ((0, 0, 2), 270)
        assert (headset.position_spread, headset.tilt_spread) == ((1, 2, 3), 4)


@pytest.mark.parametrize(
    "content, message",
    [
        ("a: [", "not valid YAML in line 1"),
        ({"camera": LENS}, "position is missing"),
        (SMALL | {"froward": 3}, "unknown key froward; did you mean forward"),
        (SMALL | {"spread": {"tlit": 3}}, "unknown key spread.tlit; did you mean spread.tilt"),
        (SMALL | {"xyz": 3}, "unknown key xyz; there is camera, picture, position"),
        (SMALL | {"rotate": 361}, "rotate: .*360, not 361"),
        (SMALL | {"forward": 180, "left": 180}, "tilted by more than 80°"),
        (SMALL | {"forward": -75, "fov": 20}, "sees 0% of what is within 60°"),
        (SMALL | {"camera": LENS | {"width": 320.5}}, "camera: width: .*, not 320.5"),
        (SMALL | {"position": [0, 0, 80]}, "position.2: .*equal to 50, not 80"),
        (SMALL | {"fov": 10}, "fov: .*20"),
        (SMALL | {"picture": [640, 200]}, "640×200 is neither a scaled nor"),
        (SMALL | {"camera": LENS | {"width": 0}}, "add 'picture"),
        (SMALL | {"camera": 3}, "camera.str: .*string, not 3"),
        (SMALL | {"camera": LENS | {"fx": 2.1}}, "camera: a focal length of 2.1 is not one in pix"),
        (SMALL | {"camera": "none.json"}, "camera: .*none.json: No such file"),
    ],
)
def test_a_wrong_file_is_one_line_that_says_what(tmp_path, content, message):
    path = tmp_path / "mine.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    with pytest.raises(UserError, match=message) as error:
        load_headset(path)
    assert str(error.value).startswith(f"--headset {path}: ")
    assert "\n" not in str(error.value)


@mutations.FUZZ
@given(data=st.data())
def test_any_other_content_is_a_headset_that_can_be_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzzed.yml"
    content = json.loads(json.dumps(SMALL | {"spread": {"position": [1, 2, 3], "tilt": 2}}))
    text = mutations.damaged(yaml.safe_dump(content).encode())
    path.write_bytes(data.draw(mutations.mutated_json(content) | text))
    try:
        headset = load_headset(path)
    except UserError as error:
        assert str(error).startswith(f"--headset {path}: ") and len(str(error)) < 1000
        return
    assert np.isfinite(headset.rotation).all() and 0 < headset.rim < 4
