"""Sets of several data roots as one, compared with the sets opened by themselves."""

from pathlib import Path

import numpy as np
import other_sets_tiny
import pytest
import release
from commands import refused

from base.frame import Frame, FrameId
from base.headset import RELEASE_HEADSET, load_headset
from base.set_type import SetType
from dataset import open_split
from dataset.mixed import Mixed, Roots
from dataset.order import BatchOrder, epoch_of
from dataset.square_crop import square_of


class Numbers:
    """A set of so many frames, which are their numbers."""

    set_type = camera = None

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return Frame(None, None, None, None, "", self.frame_id(index))

    def frame_id(self, index):
        return FrameId("who", "where", int(index))


@pytest.mark.parametrize(
    ("weights", "counts", "rounds"),
    [(None, [3, 5], 1), ([1, 3], [2, 6], 2), ([6, 2], [6, 2], 3), ([1, 1], [4, 4], 2)],
)
def test_an_epoch_has_each_sets_share_and_all_frames_come_up(weights, counts, rounds):
    mixed = Mixed([Numbers(3), Numbers(5)], ["a", "b"], weights)
    assert mixed.counts.tolist() == counts and mixed.epoch_frames == 8
    ids = [mixed.frame_id(index) for index in range(len(mixed))]
    assert [mixed[i].frame_id for i in range(len(ids))] == ids and len(ids) == 8 * rounds
    for name, count, size in zip("ab", counts, (3, 5), strict=True):
        own = [each.number for each in ids if each.character == f"{name}:who"]
        often = np.bincount(own)
        assert len(own) == count * rounds and len(often) == size and np.ptp(often) <= 1
    # Epochs follow each other through the list.
    order = BatchOrder(len(mixed), 4, shuffle=True, **epoch_of(mixed, {}))
    drawn = []
    for order.epoch in range(rounds):
        drawn += [number for batch in order for number in batch]
    assert order.steps == 2 and sorted(drawn) == list(range(len(mixed)))


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> list[Path]:
    """The release's layout, with a ValSet, and SceneEgo."""
    folder = tmp_path_factory.mktemp("roots")
    release.fill(folder / "xr", range(1, 4))
    release.fill(folder / "xr", [7], set_folder="ValSet", character="male_008_a_a")
    other_sets_tiny.scene_ego(folder / "scene", train_jian1=2)
    return [folder / "xr", folder / "scene"]


def test_frames_are_those_of_each_root_in_the_view_of_all(roots):
    mixed = Roots(roots).open(SetType.TRAIN, 64)
    assert mixed.camera == square_of(RELEASE_HEADSET.camera, 64)
    assert mixed.headsets == [RELEASE_HEADSET, load_headset("sceneego")]
    alone = [open_split(root, SetType.TRAIN, view=mixed.camera) for root in roots]
    frames = [split[row] for split in alone for row in range(len(split))]
    labels = mixed.annotations()
    assert len(frames) == len(mixed) == len(labels) == 5
    names = [f"xr:{each.frame_id}" for each in frames[:3]]
    names += [f"scene:{each.frame_id}" for each in frames[3:]]
    for row, (own, name) in enumerate(zip(frames, names, strict=True)):
        frame = mixed[row]
        assert str(frame.frame_id) == name and (frame.image == own.image).all()
        for field in ("joints2d", "joints3d", "visible"):
            same = np.array_equal(getattr(frame, field), getattr(own, field), equal_nan=True)
            stored = getattr(labels, field)[row]
            assert same and np.array_equal(stored, getattr(own, field), equal_nan=True)
    unlabelled = np.isnan(labels.joints3d[..., 0])
    assert unlabelled[3:, other_sets_tiny.HEAD].all() and unlabelled.sum() == 2
    assert labels.actions == ["walking"] * 3 + ["jian1"] * 2 and not labels.occlusion_known


def test_labels_follow_the_weights(roots):
    mixed = Roots(roots, weights=[1, 4]).open(SetType.TRAIN, 64, pictures=False)
    labels = mixed.annotations()
    for row in range(len(mixed)):
        assert np.array_equal(labels.joints3d[row], mixed[row].joints3d, equal_nan=True)
    own = [mixed.frame_id(row) for row in range(len(mixed))]
    assert [each.character.partition(":")[0] for each in own] == ["xr"] * 3 + ["scene"] * 12


def test_the_view_is_that_of_all_headsets_without_the_release_s(roots, tmp_path):
    other_sets_tiny.mo2cap2(tmp_path / "mo2cap2")
    both = Roots([roots[1], tmp_path / "mo2cap2"]).open(SetType.TRAIN, 64)
    views = {each.camera for each in both.sets} | {both.camera}
    assert len(views) == 1 and np.degrees(both.camera.max_theta) > 60
    frame = both[2]
    assert str(frame.frame_id) == "mo2cap2:mo2cap2_chunk_0001/train/000000"
    # The Neck of that frame, through the view's own camera: both headsets are turned by 180°.
    seen = both.camera.project(frame.joints3d.astype(float), clamp=True)
    assert np.allclose(seen[1 + 1 :], frame.joints2d[1 + 1 :], atol=1e-3)


def test_a_valset_is_of_the_roots_that_have_one(roots):
    found = Roots(roots, weights=[1, 9]).open(SetType.VAL, 64)
    assert [found.frame_id(row).number for row in range(len(found))] == [7]
    assert found.frame_id(0).character == "xr:male_008_a_a"
    refused(r"no TestSet in .*xr", Roots(roots).open, SetType.TEST, 64)


def test_one_root_is_opened_as_it_is(roots):
    assert type(Roots(roots[:1]).open(SetType.TRAIN, 64)).__name__ == "Mocap"
    assert Roots(roots[:1]).mix() is None


def test_names_formats_and_weights_are_one_for_each_root(tmp_path):
    paths = [tmp_path / "a" / "data", tmp_path / "b" / "data"]
    each = Roots(paths, ["packed", "scene_ego:camera=01_12"]).each()
    formats = "packed", "scene_ego:camera=01_12"
    assert each == list(zip(("a_data", "b_data"), paths, formats, strict=True))
    assert [one[2] for one in Roots(paths, ["packed"]).each()] == ["packed"] * 2
    for changes, message in (
        ({"formats": [None] * 3}, "one format for all"),
        ({"weights": [1]}, "--weights: give one for each"),
        ({"paths": [paths[0], tmp_path / "b" / ".." / "a" / "data"]}, "same folder twice"),
    ):
        refused(message, Roots, **{"paths": paths} | changes)
