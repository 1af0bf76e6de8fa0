"""The whole road: a release as published, faults included, to training on it."""

import json

import archives
import numpy as np
import pytest
from http_server import Faults, serving

import train
from base.set_type import SetType
from dataset import open_split
from dataset.packed.packed import Packed
from dataset.release import table as release
from dataset.tree.mocap import Mocap
from utils import check_data, download_data, extract_data, make_synthetic, pack_data

#: Of six, nine and one part.
TRAIN, VAL, TEST = "female_003_a_a", "male_008_a_a", "male_014_f_s"
#: Planted in TRAIN: what the official release has, numbers aside.
LABEL_ALONE, PICTURE_ALONE, TRUNCATED = 1, 11, 6


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A synthetic tree under the names of the release, with the known faults planted."""
    made = tmp_path_factory.mktemp("made") / "set"
    make_synthetic.main(
        [
            *("--output", str(made), "--train", "12", "--val", "4", "--test", "4"),
            *("--ray_step", "4", "--workers", "1", "--frames_per_character", "12", "--video"),
        ]
    )
    tree = tmp_path_factory.mktemp("source")
    for set_type, name in ((SetType.TRAIN, TRAIN), (SetType.VAL, VAL), (SetType.TEST, TEST)):
        for path in (made / set_type.folder).rglob("*.*"):
            if not path.is_file():
                continue
            character, environment, camera, kind, file = path.relative_to(
                made / set_type.folder
            ).parts
            target = tree / set_type.folder / name / environment / camera / kind
            target.mkdir(parents=True, exist_ok=True)
            (target / file.replace(character, name)).write_bytes(path.read_bytes())
    folder = tree / "TrainSet" / TRAIN / "env_001" / "cam_down"
    (folder / "rgba" / f"{TRAIN}.rgba.{LABEL_ALONE:06d}.png").unlink()
    (folder / "json" / f"{TRAIN}_{PICTURE_ALONE:06d}.json").unlink()
    picture = folder / "rgba" / f"{TRAIN}.rgba.{TRUNCATED:06d}.png"
    picture.write_bytes(picture.read_bytes()[:-500])
    return tree


def labels_on_disk(source, set_folder, character):
    """Frame number → camera-frame positions by joint name, read without the project's code."""
    found = {}
    for path in (source / set_folder / character).rglob("*.json"):
        content = json.loads(path.read_text())
        names = [joint["name"] for joint in content["joints"]]
        points = np.array(content["pts3d_fisheye"]).T / 100
        found[int(path.stem[-6:])] = dict(zip(names, points, strict=True))
    return found


def assert_right_labels(data, source, set_folder, character):
    truth = labels_on_disk(source, set_folder, character)
    for i in range(len(data)):
        frame_id = data.frame_id(i)
        assert frame_id.character == character
        joints3d = data.annotations().joints3d[i]
        for joint, name in ((0, "Neck"), (4, "LeftHand"), (13, "RightLeg")):
            expected = truth[frame_id.number][f"mixamorig:{name}"]
            assert np.allclose(joints3d[joint], expected, atol=1e-5)


def test_download_extract_check_pack_and_train(source, tmp_path, tiny_config):
    published, parts = tmp_path / "published", tmp_path / "downloads"
    for set_folder, name in (("TrainSet", TRAIN), ("ValSet", VAL), ("TestSet", TEST)):
        archives.cut(archives.archive(source / set_folder / name), name, published)

    faults = Faults()
    faults.cuts[release.CHARACTERS[TRAIN].parts[3]] = [500]
    with serving(published, faults) as url:
        download_data.main(
            ["--output", str(parts), "--base_url", url, "--characters", TRAIN, VAL, TEST]
        )
    assert archives.contents(parts) == archives.contents(published)

    tree = tmp_path / "tree"
    extract_data.main(["--input", str(parts), "--output", str(tree)])

    with pytest.raises(SystemExit) as ended:
        check_data.main(["--data_root", str(tree), "--write_skip_list"])
    assert ended.value.code == 1
    report = json.loads((tree / "report.json").read_text())
    named = {(f["kind"], f["where"].rpartition("/")[2]) for f in report["sets"][0]["faults"]}
    assert named == {
        ("label without picture", f"{TRAIN}_{LABEL_ALONE:06d}.json"),
        ("picture without label", f"{TRAIN}.rgba.{PICTURE_ALONE:06d}.png"),
        ("unreadable picture", f"{TRAIN}.rgba.{TRUNCATED:06d}.png"),
    }
    [shift] = report["sets"][0]["pairing_by_position"]
    assert shift["mislabelled"] == 10 and (shift["first"], shift["last"]) == (2, PICTURE_ALONE)
    assert all(not found["faults"] for found in report["sets"][1:])

    packed = tmp_path / "packed"
    pack_data.main(["--input", str(parts), "--output", str(packed), "--size", "64"])
    with pytest.raises(SystemExit):
        check_data.main(["--data_root", str(packed), "--write_skip_list"])
    check_data.main(["--data_root", str(packed)])
    good = set(range(12)) - {LABEL_ALONE, PICTURE_ALONE, TRUNCATED}
    for root, kind in ((tree, Mocap), (packed, Packed)):
        data = open_split(root, SetType.TRAIN, 64)
        assert isinstance(data, kind)
        assert {data.frame_id(i).number for i in range(len(data))} == good
        assert_right_labels(data, source, "TrainSet", TRAIN)
        assert_right_labels(open_split(root, SetType.TEST, 64), source, "TestSet", TEST)
    # The picture that belongs to a label is the one of its number: no other is as like it.
    originals = open_split(tree, SetType.TRAIN, 64)
    pictures = np.stack([originals[i].image for i in range(len(originals))]).astype(float)
    numbers = [originals.frame_id(i).number for i in range(len(originals))]
    data = open_split(packed, SetType.TRAIN, 64)
    for i in range(len(data)):
        nearest = np.abs(pictures - data[i].image).mean((1, 2, 3)).argmin()
        assert numbers[nearest] == data.frame_id(i).number

    for root in (tree, packed):
        for name in ("train2d", "train3d"):
            log_dir = tmp_path / f"{root.name}_{name}"
            options = ["--training_type", name, "--gpu", "cpu", "--config", str(tiny_config)]
            options += ["--data_root", str(root), "--log_dir", str(log_dir), "--epochs", "1"]
            train.main(options)
            assert (log_dir / "checkpoints" / "model_best.tar").is_file()
