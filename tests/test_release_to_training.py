"""From a release as published, faults included, to training on it."""

import json

import archives
import numpy as np
import pytest
import release
from commands import BEST, run_train
from http_server import Faults, serving

from base.set_type import SetType
from dataset import open_split
from dataset.packed.packed import Packed
from dataset.release.table import CHARACTERS
from dataset.tree.mocap import Mocap
from utils import check_data, download_data, extract_data, pack_data

#: Of six, nine and one part.
TRAIN, VAL, TEST = "female_003_a_a", "male_008_a_a", "male_014_f_s"
#: Planted in TRAIN: what the official release has, numbers aside.
LABEL_ALONE, PICTURE_ALONE, TRUNCATED = 1, 11, 6


@pytest.fixture
def published(tmp_path):
    """The parts of three characters, with the known faults planted."""
    for set_folder, name, count in (
        ("TrainSet", TRAIN, 12),
        ("ValSet", VAL, 4),
        ("TestSet", TEST, 4),
    ):
        folder = release.camera_folder(tmp_path, set_folder, name)
        for number in range(count):
            release.write_label(folder, number)
            release.write_picture(folder, 10 * number).rename(release.picture_path(folder, number))
        if name == TRAIN:
            release.picture_path(folder, LABEL_ALONE).unlink()
            release.label_path(folder, PICTURE_ALONE).unlink()
            picture = release.picture_path(folder, TRUNCATED)
            picture.write_bytes(picture.read_bytes()[:-500])
        content = archives.archive(folder.parents[1])
        archives.cut(content, name, tmp_path / "published")
    return tmp_path / "published"


def test_download_extract_check_pack_and_train(published, tmp_path, tiny_config):
    parts, tree, packed = tmp_path / "parts", tmp_path / "tree", tmp_path / "packed"
    faults = Faults()
    faults.cuts[CHARACTERS[TRAIN].parts[3]] = [100]
    with serving(published, faults) as url:
        names = "--characters", TRAIN, VAL, TEST
        download_data.main(["--output", str(parts), "--base_url", url, *names])
    assert archives.contents(parts) == archives.contents(published)
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

    pack_data.main(["--input", str(parts), "--output", str(packed), "--size", "64"])
    with pytest.raises(SystemExit):
        check_data.main(["--data_root", str(packed), "--write_skip_list"])
    check_data.main(["--data_root", str(packed)])
    good = sorted(set(range(12)) - {LABEL_ALONE, PICTURE_ALONE, TRUNCATED})
    for root, kind, stage in ((tree, Mocap, "train2d"), (packed, Packed, "train3d")):
        for set_type, name, numbers in (
            (SetType.TRAIN, TRAIN, good),
            (SetType.TEST, TEST, range(4)),
        ):
            data = open_split(root, set_type, 64)
            assert isinstance(data, kind)
            ids = [data.frame_id(i) for i in range(len(data))]
            assert [(one.character, one.number) for one in ids] == [(name, n) for n in numbers]
            for i, number in enumerate(numbers):
                pose = release.pose_for(number)
                assert np.allclose(data.annotations().joints3d[i], pose, atol=1e-5)
                assert np.abs(data[i].image.astype(float) - 10 * number).max() < 3
        log_dir = tmp_path / stage
        run_train(stage, root, log_dir, "--config", tiny_config, "--epochs", 1)
        assert (log_dir / BEST).is_file()
