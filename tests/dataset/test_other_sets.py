"""Readers of other laboratories' sets, against copies that independent code writes from the facts."""

import numpy as np
import pytest
from other_sets import common, ego_body3m, mpi, unreal_ego

from base.errors import UserError
from base.set_type import SetType
from base.skeleton import HEAD, JOINTS
from dataset import FORMATS, data_format, open_split

TRAIN, VAL, TEST = SetType
TOES = [JOINTS.index(f"{side}ToeBase") for side in ("Left", "Right")]
#: Format → how frames are rendered, how they are written, the joints that it lacks.
COPIES = {
    "scene_ego": (lambda: common.render("sceneego"), mpi.write_scene_ego, [HEAD]),
    "ego_pw": (lambda: common.render("mo2cap2"), mpi.write_ego_pw, [HEAD]),
    "mo2cap2": (lambda: common.render("mo2cap2"), mpi.write_mo2cap2, [HEAD]),
    "unreal_ego": (unreal_ego.render_unreal_ego, unreal_ego.write_unreal_ego, []),
    "ego_body3m": (ego_body3m.render_ego_body3m, ego_body3m.write_ego_body3m, TOES),
}


@pytest.fixture(scope="module")
def rendered():
    made = {}

    def of(name):
        render = COPIES[name][0]
        if render not in made:
            made[render] = render()
        return made[render]

    return of


@pytest.fixture
def copy(rendered, tmp_path):
    """Writes a format's copy, with what is to be wrong in it: its folder."""

    def write(name, folder="set", **traps):
        COPIES[name][1](tmp_path / folder, rendered(name), **traps)
        return tmp_path / folder

    return write


def flat(rendered):
    """Single frames, of rigs too."""
    return [f for frame in rendered for f in (frame if isinstance(frame, tuple) else (frame,))]


def assert_record(data, frames, lacks):
    """Every row is one of the frames: joints within 0.1 mm, pixels within 0.05, its own picture."""
    known = [joint for joint in range(16) if joint not in lacks]
    for row in range(len(data)):
        values = data.table.rows[row]
        joints = values["joints3d"]
        off = [np.linalg.norm(f.joints3d[known] - joints[known], axis=-1).max() for f in frames]
        frame = frames[int(np.argmin(off))]
        assert min(off) < 1e-4
        assert np.isnan(joints[lacks]).all() and np.isnan(values["joints2d"][lacks]).all()
        assert not values["visible"][lacks].any() and not values["occlusion_known"]
        headset = data.table.headsets[values["headset"]]
        expected = headset.camera.project(frame.joints3d[known], clamp=True)
        seen = values["visible"][known]
        np.testing.assert_allclose(values["joints2d"][known][seen], expected[seen], atol=0.05)
        picture = data.image(row).astype(float)
        if picture.shape == frame.picture.shape:
            grey = picture.mean(-1), frame.picture.mean(-1)
            assert np.abs(grey[0] - grey[1]).mean() < 4
        # In the network's view the wearer's left is at larger x, and the feet are ahead of no one.
        seen_from_above = data[row].joints3d
        left, right = (seen_from_above[JOINTS.index(f"{s}Arm")] for s in ("Left", "Right"))
        truth = frame.joints3d @ headset.rotation
        np.testing.assert_allclose(seen_from_above[known], truth[known], atol=1e-4)
        assert left[0] > right[0] or truth[2, 0] <= truth[5, 0]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_read_as_it_was_rendered(name, copy, rendered):
    root, lacks = copy(name), COPIES[name][2]
    assert data_format(root).__name__ == FORMATS[name].rpartition(":")[2]
    sets = data_format(root).sets(root)
    frames, count = flat(rendered(name)), 0
    for set_type in sets:
        data = open_split(root, set_type)
        if data.aligned_only(set_type):
            continue
        assert_record(data, frames, lacks)
        count += len(data)
    people = {frame.character for frame in frames}
    assert count == len(frames) * (1 if name != "mo2cap2" else 2 / 3), len(people)
