"""Readers of other sets against copies that independent code writes from the facts."""

import numpy as np
import pytest
from other_sets import ego_body3m, mpi, unreal_ego

from base.set_type import SetType
from base.skeleton import HEAD, JOINTS
from dataset import data_format

TRAIN, VAL, TEST = SetType
TOES = [JOINTS.index(f"{side}ToeBase") for side in ("Left", "Right")]
#: Format → frames that its copy is made of, the writer, the joints it lacks, frames and headsets.
COPIES = {
    "scene_ego": ("scene_ego", mpi.write_scene_ego, [HEAD], 8),
    "ego_pw": ("mo2cap2", mpi.write_ego_pw, [HEAD], 6),
    "mo2cap2": ("mo2cap2", mpi.write_mo2cap2, [HEAD], 4),
    "unreal_ego": ("unreal_ego", unreal_ego.write_unreal_ego, [], 12),
    "ego_body3m": ("ego_body3m", ego_body3m.write_ego_body3m, TOES, 24),
}


@pytest.fixture
def copy(rendered_for, tmp_path):
    """Writes a format's copy, with what is to be wrong in it; its folder."""

    def write(name, **traps):
        rendered, writer, *_ = COPIES[name]
        writer(tmp_path / "set", rendered_for(rendered), **traps)
        return tmp_path / "set"

    return write


def opened(root, check=False, format=None):
    """The sets of a root, by type."""
    found = data_format(root, None, format)
    how = {"check": check, "report": False, "format": format}
    return {set_type: found(root, set_type, **how) for set_type in found.sets(root)}


def all_faults(root):
    """ "detail" of each of the faults of all sets."""
    return [str(fault) for data in opened(root, check=True).values() for fault in data.faults]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_read_as_it_was_rendered(name, copy, rendered_for):
    rendered, _, lacks, count = COPIES[name]
    known = np.setdiff1d(range(16), lacks)
    frames = [
        f for each in rendered_for(rendered) for f in (each if type(each) is tuple else [each])
    ]
    sets = opened(copy(name))
    sets = {key: data for key, data in sets.items() if not data.aligned_only(key)}
    assert sum(map(len, sets.values())) == count
    for data in sets.values():
        for row in range(len(data)):
            values, seen = data.table.rows[row], data[row]
            joints, visible = values["joints3d"], values["visible"]
            assert np.isnan([*joints[lacks].flat, *seen.joints3d[lacks].flat]).all()
            assert not visible[lacks].any() and not seen.visible[lacks].any()
            off = [np.linalg.norm((f.joints3d - joints)[known], axis=-1).max() for f in frames]
            frame, headset = frames[np.argmin(off)], data.table.headsets[values["headset"]]
            assert min(off) < 1e-4
            pixels = headset.camera.project(frame.joints3d[known], clamp=True)
            pixels -= values["joints2d"][known]
            assert np.abs(pixels[visible[known]]).max() < 0.05
            # The network's view: x to the wearer's left, y forward, z down.
            truth = (frame.joints3d @ headset.rotation)[known]
            np.testing.assert_allclose(seen.joints3d[known], truth, atol=1e-4)
            if name != "mo2cap2":  # whose pictures are kept smaller
                alike = [f for f in frames if f.picture.shape == data.image(row).shape]
                picture = data.image(row).mean(-1)
                far = [np.abs(f.picture.mean(-1) - picture).mean() for f in alike]
                assert alike[np.argmin(far)] is frame and min(far) < 6
