"""Whether occlusion is known comes with the labels, not from what is in the set."""

import json

import numpy as np
import pytest
import release

from base.set_type import SetType
from dataset import open_split
from dataset.packed.shards import ROW
from model import build
from utils import pack_data
from utils.common.config import load_config
from utils.training.distributed import Processes
from utils.training.stage import Stage


def write_set(root, visible, beyond_range=True):
    """A train and a validation set of labels with a joint that the lens does not reach."""
    for n, name in enumerate(("TrainSet", "ValSet")):
        folder = release.camera_folder(root, name, f"somebody_{n}")
        for number in range(4):
            label = release.label_for(number)
            points = np.array(label["pts3d_fisheye"])
            if beyond_range:
                # 110° off the axis, and drawn into the picture, as the release may do.
                row = release.FILE_JOINTS.index("Head")
                points[:, row] = [30.0, 0.0, -11.0]
                pixels = np.array(label["pts2d_fisheye"])
                pixels[:, row] = [1000.0, 400.0]
                pixels[:, release.FILE_JOINTS.index("Neck")] = [100.0, 400.0]  # beside the square
                label |= {"pts3d_fisheye": points.tolist(), "pts2d_fisheye": pixels.tolist()}
            if visible:
                label["visible"] = [True] * len(release.FILE_JOINTS)
            release.label_path(folder, number).write_text(json.dumps(label))
            release.write_picture(folder, number)
    return root


@pytest.fixture(params=["tree", "packed"])
def make(request, tmp_path):
    """A set in each of the formats."""

    def made(**how):
        root = write_set(tmp_path / "tree", **how)
        if request.param == "tree":
            return root
        packed = tmp_path / "packed"
        pack_data.main(["--input", str(root), "--output", str(packed), "--size", "64"])
        return packed

    return made


@pytest.mark.parametrize("visible", [False, True])
@pytest.mark.parametrize("beyond_range", [False, True])
def test_labels_know_of_occlusion_if_their_files_do(make, visible, beyond_range):
    labels = open_split(make(visible=visible, beyond_range=beyond_range), SetType.TRAIN, 64)
    known = labels.annotations()
    assert known.occlusion_known == visible
    hidden = labels.camera.in_picture(known.joints2d) & ~known.visible
    assert hidden.any() == beyond_range


def test_one_label_that_does_not_know_makes_the_set_unknown(make, tmp_path):
    root = write_set(tmp_path / "tree", visible=True)
    folder = release.camera_folder(root, "TrainSet", "somebody_0")
    release.write_label(folder, 3)
    assert not open_split(root, SetType.TRAIN, 64).annotations().occlusion_known


@pytest.mark.parametrize("visible", [False, True])
def test_training_takes_joints_in_the_picture_for_seen_only_where_labels_tell(
    make, tiny_config, visible
):
    root, config = make(visible=visible), load_config(tiny_config)
    model = build(config.model, 64, ("pose2d",))
    with Processes("cpu") as processes:
        stage = Stage("train2d", model, config, root, processes)
        [sample] = stage.training_samples([next(iter(stage.loader))])
    inside = sample.targets.inside
    assert inside.any() and not inside.all()
    assert sample.targets.visible_known[inside].all() == visible
    assert sample.targets.visible_known[inside].any() == visible
    assert sample.targets.visible_known[~inside].all()


def test_a_set_packed_before_it_was_kept_is_read_and_counts_as_unknown(tmp_path, capsys):
    root, packed = write_set(tmp_path / "tree", visible=True), tmp_path / "packed"
    command = ["--input", str(root), "--output", str(packed), "--size", "64"]
    pack_data.main(command)
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
    data = open_split(packed, SetType.TRAIN)
    after = data.annotations()
    assert before.occlusion_known and not after.occlusion_known
    assert capsys.readouterr().err.count("did not keep whether occlusion is labelled") == 1
    for name in ("joints2d", "joints3d", "visible"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    assert (data[2].image == 2).all()
    # Packing goes on in such a folder, and then it is known.
    pack_data.main(command)
    assert open_split(packed, SetType.TRAIN).annotations().occlusion_known
