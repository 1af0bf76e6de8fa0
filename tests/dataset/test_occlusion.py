"""Whether occlusion is known comes with the labels, not from what is in the set."""

import pytest
import release

from base.set_type import SetType
from dataset import open_split
from utils import pack_data


@pytest.mark.parametrize(
    ("knowing", "known"), [((), False), ((1, 2), True), ((1,), False)], ids=["none", "all", "one"]
)
def test_occlusion_is_known_if_all_labels_know_it(knowing, known, tmp_path):
    folder = release.fill(tmp_path / "tree", (1, 2))
    for number in knowing:
        release.write_label(folder, number, visible=[True] * len(release.FILE_JOINTS))
    where = "--input", str(tmp_path / "tree"), "--output", str(tmp_path / "packed")
    pack_data.main([*where, "--size", "64"])
    for root in (tmp_path / "tree", tmp_path / "packed"):
        assert open_split(root, SetType.TRAIN, 64).annotations().occlusion_known == known
