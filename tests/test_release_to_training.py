"""From a release as published, faults included, to training on it."""

import archives
import numpy as np
import pytest
import release
from commands import BEST, pack, run_train
from http_server import serving

from base.set_type import SetType
from dataset import open_split
from utils import check_data, download_data, extract_data

CHARACTERS = {"TrainSet": "female_002_f_s", "ValSet": "male_008_a_a"}  # of one part and nine
#: What the official release has, numbers aside.
LABEL_ALONE, PICTURE_ALONE, TRUNCATED = 1, 11, 6


@pytest.fixture
def published(tmp_path):
    """The parts of two characters, with the known faults planted."""
    for set_folder, name in CHARACTERS.items():
        folder = release.fill(tmp_path, range(12), set_folder=set_folder, character=name)
        release.picture_path(folder, LABEL_ALONE).unlink()
        release.label_path(folder, PICTURE_ALONE).unlink()
        picture = release.picture_path(folder, TRUNCATED)
        picture.write_bytes(picture.read_bytes()[:-500])
        archives.cut(archives.archive(folder.parents[1]), name, tmp_path / "published")
    return tmp_path / "published"


def test_download_extract_check_pack_and_train(published, tmp_path, tiny_config):
    parts, tree, packed = (tmp_path / name for name in ("parts", "tree", "packed"))
    with serving(published) as url:
        names = "--characters", *CHARACTERS.values()
        download_data.main(["--output", str(parts), "--base_url", url, *names])
    extract_data.main(["--input", str(parts), "--output", str(tree)])
    pack(parts, packed)
    good = [n for n in range(12) if n not in (LABEL_ALONE, PICTURE_ALONE, TRUNCATED)]
    for root, stage in ((tree, "train2d"), (packed, "train3d")):
        with pytest.raises(SystemExit) as ended:
            check_data.main(["--data_root", str(root), "--write_skip_list"])
        assert ended.value.code == 1
        check_data.main(["--data_root", str(root)])
        data = open_split(root, SetType.TRAIN, 64)
        assert [data.frame_id(i).number for i in range(len(data))] == good
        for i, number in enumerate(good):
            pose = release.pose_for(number)
            assert np.allclose(data.annotations().joints3d[i], pose, atol=1e-5)
            assert (data[i].image == number).all()
        log_dir = tmp_path / stage
        run_train(stage, root, log_dir, "--config", tiny_config, "--epochs", 1)
        assert (log_dir / BEST).is_file()
