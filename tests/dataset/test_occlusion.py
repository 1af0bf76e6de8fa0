"""Whether occlusion is known comes with the labels, not from what is in the set."""

import numpy as np
import pytest
import release

from base.set_type import SetType
from dataset import open_split
from utils import pack_data


def write_set(root, visible, beyond_range=True):
    """Labels of a joint that the lens does not reach."""
    folder = release.camera_folder(root)
    for number in range(4):
        label = release.label_for(number)
        points = np.array(label["pts3d_fisheye"])
        pixels = np.array(label["pts2d_fisheye"])
        if beyond_range:
            # 110° off the axis, and drawn into the picture, as the release may do.
            row = release.FILE_JOINTS.index("Head")
            points[:, row] = [30.0, 0.0, -11.0]
            pixels[:, row] = [1000.0, 400.0]
            pixels[:, release.FILE_JOINTS.index("Neck")] = [100.0, 400.0]  # beside the square
        changes = {"pts3d_fisheye": points.tolist(), "pts2d_fisheye": pixels.tolist()}
        if visible:
            changes["visible"] = [True] * len(release.FILE_JOINTS)
        release.write_label(folder, number, **changes)
        release.write_picture(folder, number)
    return root


def pack(root, packed):
    pack_data.main(["--input", str(root), "--output", str(packed), "--size", "64"])
    return packed


@pytest.mark.parametrize("visible", [False, True])
@pytest.mark.parametrize("beyond_range", [False, True])
def test_labels_know_of_occlusion_if_their_files_do(visible, beyond_range, tmp_path):
    tree = write_set(tmp_path / "tree", visible, beyond_range)
    for root in (tree, pack(tree, tmp_path / "packed")):
        labels = open_split(root, SetType.TRAIN, 64)
        known = labels.annotations()
        assert known.occlusion_known == visible
        hidden = labels.camera.in_picture(known.joints2d) & ~known.visible
        assert hidden.any() == beyond_range


def test_one_label_that_does_not_know_makes_the_set_unknown(tmp_path):
    root = write_set(tmp_path, visible=True)
    release.write_label(release.camera_folder(root), 3)
    assert not open_split(root, SetType.TRAIN, 64).annotations().occlusion_known
