"""Whether occlusion is known comes with the labels, not from what is in the set."""

import numpy as np
import pytest
import release

from base.set_type import SetType
from dataset import open_split
from dataset.packed.shards import ROW
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


def test_a_set_packed_before_it_was_kept_is_read_and_counts_as_unknown(tmp_path, capsys):
    root = write_set(tmp_path / "tree", visible=True)
    packed = pack(root, tmp_path / "packed")
    before = open_split(packed, SetType.TRAIN).annotations()
    old = np.dtype([field for field in ROW.descr if field[0] != "occlusion_known"])
    paths = [packed / "TrainSet" / "annotations.npy", *(packed / "TrainSet" / "rows").iterdir()]
    for path in paths:
        stored = np.load(path)
        rows = stored if path.suffix == ".npy" else stored["rows"]
        kept = rows[list(old.names)].astype(old)
        if path.suffix == ".npy":
            np.save(path, kept)
        else:
            np.savez(path, rows=kept, meta=stored["meta"])
    index = packed / "TrainSet" / "index.json"
    index.write_text(index.read_text().replace('"crc"', '"other"'))
    data = open_split(packed, SetType.TRAIN)
    after = data.annotations()
    assert before.occlusion_known and not after.occlusion_known
    assert capsys.readouterr().err.count("did not keep whether occlusion is labelled") == 1
    for name in ("joints2d", "joints3d", "visible"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    assert (data[2].image == 2).all()
    # Packing goes on in such a folder, and then it is known.
    pack(root, packed)
    assert open_split(packed, SetType.TRAIN).annotations().occlusion_known
