"""The packed form yields what the tree yields, in any process, and says what is damaged."""

import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
import release
import torch
import webdataset
from commands import pack, refused

from base.errors import BrokenFrameError
from base.frame import FrameId
from base.headset import RELEASE_HEADSET, Headset
from base.set_type import SetType
from dataset import open_split
from dataset.annotations import Table
from dataset.in_memory import InMemory
from dataset.labels import Label
from dataset.loader import FrameLoader
from dataset.packed.packed import Packed
from dataset.tree.mocap import Mocap

FIELDS = "joints2d", "joints3d", "visible"


@pytest.fixture(scope="module")
def packed(tmp_path_factory, tiny_data):
    """The tiny synthetic set, packed at 96 pixels in shards of three frame numbers."""
    output = tmp_path_factory.mktemp("packed") / "packed"
    return pack(tiny_data, output, 96, "--frames_per_shard", 3, "--jobs", 2)


@pytest.mark.parametrize("set_type", list(SetType))
def test_frames_are_those_of_the_tree(packed, tiny_data, set_type):
    tree, shards = open_split(tiny_data, set_type, 96), open_split(packed, set_type, 96)
    assert isinstance(tree, Mocap) and isinstance(shards, Packed)
    assert len(tree) == len(shards) > 0 and tree.camera == shards.camera
    for i in range(len(tree)):
        a, b = tree[i], shards[i]
        assert a.frame_id == b.frame_id == shards.frame_id(i) and a.action == b.action
        for name in FIELDS:
            x, y = getattr(a, name), getattr(b, name)
            assert np.array_equal(x, y) and x.dtype == y.dtype
        assert b.image.dtype == np.uint8 and b.image.shape == (96, 96, 3)
        # The error of JPEG; swapped channels or a shift by one pixel give more.
        image = a.image.astype(float)
        error = np.abs(image - b.image).mean()
        swapped = np.abs(image - b.image[..., ::-1]).mean()
        shifted = np.abs(image[:, 1:] - b.image[:, :-1]).mean()
        assert error < 5 and error < min(swapped, shifted) / 1.5


def test_a_smaller_input_is_resized_with_its_labels_and_a_larger_one_refused(packed, tiny_data):
    tree, shards = open_split(tiny_data, SetType.VAL, 64), open_split(packed, SetType.VAL, 64)
    for i in range(len(tree)):
        assert np.array_equal(tree[i].joints2d, shards[i].joints2d)
        assert np.abs(tree[i].image.astype(float) - shards[i].image).mean() < 5
    refused("keeps pictures of 96 pixels, fewer than the 128", open_split, packed, SetType.VAL, 128)
    assert len(open_split(packed, SetType.VAL, 128, pictures=False).annotations()) == 4


def test_annotations_are_those_of_the_tree_and_need_no_shard(packed, tiny_data, tmp_path):
    alone = tmp_path / "labels"
    shutil.copytree(packed, alone, ignore=shutil.ignore_patterns("*.tar", "rows"))
    a, b = (
        open_split(root, SetType.TRAIN, 64, pictures=False).annotations()
        for root in (tiny_data, alone)
    )
    assert len(a) == len(b) == 28 > len(open_split(packed, SetType.TRAIN, 64))
    assert a.actions == b.actions
    for name in FIELDS:
        assert np.array_equal(getattr(a, name), getattr(b, name))


def test_processes_and_threads_read_every_frame_once(packed):
    data = Packed(packed, SetType.TRAIN, 64)
    sent = pickle.dumps(data)
    assert len(sent) < 6000  # the rows of 28 labels alone take 10 kB
    assert np.array_equal(pickle.loads(sent)[5].image, data[5].image)
    batches = list(FrameLoader(data, 5, workers=2, shuffle=True))
    read = {f: i for batch in batches for f, i in zip(batch.frame_ids, batch.images, strict=True)}
    assert len(read) == len(data) == sum(len(batch) for batch in batches)
    memory = InMemory(data, threads=4)
    for i in range(len(data)):
        assert torch.equal(read[data.frame_id(i)], torch.from_numpy(memory[i].image))


def test_the_webdataset_package_reads_the_shards(packed):
    data = Packed(packed, SetType.TRAIN)
    shards = sorted(str(path) for path in (packed / "TrainSet").glob("*.tar"))
    stream = webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8")
    samples = list(stream.to_tuple("__key__", "jpg", "json"))
    by_frame = {}
    for key, image, label in samples:
        frame_id = FrameId(label["character"], label["environment"], label["frame"])
        assert key == f"{frame_id.character}-{frame_id.environment}-{frame_id.number:06d}"
        by_frame[frame_id] = image, label
    assert len(by_frame) == len(data) == len(samples)
    for i in range(len(data)):
        frame = data[i]
        image, label = by_frame[frame.frame_id]
        # Two JPEG decoders may differ by a little.
        assert np.abs(image.astype(int) - frame.image).max() <= 8
        assert np.array_equal(np.float32(label["joints2d"]), frame.joints2d)
        assert np.array_equal(np.float32(label["joints3d"]), frame.joints3d)
        assert label["action"] == frame.action
        assert (np.array(label["visible"]) & data.camera.in_picture(frame.joints2d)).tolist() == (
            frame.visible.tolist()
        )


@pytest.fixture
def small(tmp_path):
    """Four plain frames, packed."""
    release.fill(tmp_path / "tree", range(4))
    return pack(tmp_path / "tree", tmp_path / "packed")


def test_a_damaged_shard_breaks_only_the_frames_it_hits(small):
    [shard] = (small / "TrainSet").glob("*.tar")
    content = bytearray(shard.read_bytes())
    content[600] ^= 1  # inside the first JPEG, where a decoder would not notice
    data = Packed(small, SetType.TRAIN)
    shard.write_bytes(content[: data.table.rows[3]["offset"] + 10])
    for index, reason in ((0, "female_001_a_a/env_001/000000 in it is"), (3, "/000003 in it is")):
        with pytest.raises(BrokenFrameError, match=f"{reason} damaged"):
            data[index]
    assert (data[2].image == 2).all()
    shard.unlink()
    with pytest.raises(BrokenFrameError, match="cannot be read"):
        data[1]


def test_tables_of_many_headsets_are_joined_without_comparing_each_with_each(monkeypatch):
    headsets = [replace(RELEASE_HEADSET, left=0.01 * n) for n in range(500)]
    values = np.zeros((16, 2)), np.zeros((16, 3)), np.ones(16), "Walking", True
    labels = [Label(*values, headset) for headset in headsets[:300] + headsets[200:]]
    frames, compared = [FrameId("c", "e", n) for n in range(300)], []
    monkeypatch.setattr(Headset, "__eq__", lambda one, other: compared.append(1) or one is other)
    joined = Table.joined([Table.of(frames, labels[:300]), Table.of(frames, labels[300:])])
    found = [joined.headsets[code] for code in joined.rows["headset"]]
    assert found == headsets[:300] + headsets[200:] and joined.headsets == headsets
    assert len(compared) < 1000


def test_missing_unfinished_and_mixed_up_sets_say_what_to_do(small):
    training = small, SetType.TRAIN, 64
    refused(r"no ValSet in .*: only TrainSet$", open_split, small, SetType.VAL, 64)
    index, path = (small / "TrainSet" / name for name in ("index.json", "annotations.npy"))
    content, stored = json.loads(index.read_text()), np.load(path)
    lists = ("headsets", "characters", "environments", "actions", "shards")
    wrong, unfit = r"index\.json: cannot be read", r"index\.json: does not fit annotations\.npy"
    for change, message in (
        ({"format": 99}, "format: Input should be 1, not 99"),
        *(({key: []}, unfit) for key in lists),
        *(({key: "text"}, wrong) for key in (*lists, "left_out", "size")),
        ({"headsets": [RELEASE_HEADSET.as_dict() | {"more": 1}]}, f"{wrong}.*unknown key more"),
        ({"left_out": [{"kind": "odd", "where": "", "detail": ""}]}, f"{wrong}.*kind: .*'odd'"),
    ):
        index.write_text(json.dumps(content | change))
        refused(message, open_split, *training)
    index.write_text(json.dumps(content))
    for name in lists:
        rows = stored.copy()
        rows[name.removesuffix("s")][2] = -2
        np.save(path, rows)
        refused(unfit, open_split, *training)
    path.write_bytes(b"")
    refused(r"annotations\.npy: damaged, or no array.*; pack again", open_split, *training)
    index.unlink()
    refused("finish packing", open_split, *training)


@pytest.mark.parametrize("form", ["packed", "tree"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_set_that_disappears_is_skipped_frame_by_frame_and_named(form, workers, small):
    root = {"packed": small, "tree": small.parent / "tree"}[form]
    loader = FrameLoader(open_split(root, SetType.TRAIN, 64), 2, workers=workers)
    (root / "TrainSet").rename(root / "Elsewhere")
    assert list(loader) == []
    assert [frame_id.number for frame_id, _ in loader.broken] == [0, 1, 2, 3]
    assert all("cannot be read (No such file" in reason for _, reason in loader.broken)


def test_annotations_that_are_cut_while_a_set_is_open_do_not_end_the_process(small):
    data = Packed(small, SetType.TRAIN)
    (small / "TrainSet" / "annotations.npy").write_bytes(b"")  # mapped, the next look is SIGBUS
    assert len(data.annotations()) == 4 and data[3].frame_id.number == 3
