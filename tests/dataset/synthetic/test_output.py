"""Straight into shards: the bytes that packing the tree gives, whatever interrupted it."""

import os
import shutil
from unittest.mock import Mock

import archives
import cv2
import killing
import numpy as np
import pytest
from commands import TINY_SET, pack, refused

from base.set_type import SetType
from dataset import open_split
from dataset.packed.packed import Packed
from dataset.synthetic.output import LABELS_ONLY, PICTURES, STAGING, Folder, put_together
from utils import make_synthetic

SIZE = 64


def test_parts_and_a_kill_give_what_packing_the_tree_gives(tiny_data, tmp_path, capsys, make):
    tree, direct = tmp_path / "tree", tmp_path / "direct"
    pack(tiny_data, tree, SIZE, "--frames_per_shard", 1000 * make_synthetic.DEFAULT_STRIDE)
    command = ["--pack", "--pack_size", SIZE, *TINY_SET]
    make(direct, *command, "--part", "2/2")
    assert "part 2/2 is complete" in capsys.readouterr().out
    # When the first of its jobs is done.
    first = ("utils/make_synthetic.py", "--output", direct, *command, "--part", "1/2")
    killing.kill(*first, at="dataset.synthetic.generate:run_job", call=2)
    assert any((direct / STAGING).rglob("*.json"))
    refused("finish packing", Packed, direct, SetType.TRAIN)
    # The others have nothing left to do: the set stays as it is.
    for more in (["--part", "1/2"], ["--resume"], ["--part", "1/3"]):
        make(direct, *command, *more)
        (direct / "synthetic.json").rename(tmp_path / "note")
        assert archives.contents(direct) == archives.contents(tree)
        (tmp_path / "note").rename(direct / "synthetic.json")
    assert len(open_split(direct, SetType.TRAIN, SIZE)) == 12
    assert len(open_split(direct, SetType.TRAIN, SIZE, pictures=False)) == 12 + 16


@pytest.fixture(scope="module")
def fill(tiny_data):
    """Write frames that wait, with pictures of their own."""
    label = next((tiny_data / "TrainSet").glob("*/env_001/cam_down/json/*.json")).read_bytes()

    def fill(packed, *numbers):
        for number in numbers:
            rng, pictures = np.random.default_rng(number), {}
            if packed.environment == PICTURES:  # smooth, so that a JPEG at any resolution holds it
                noise = rng.integers(0, 255, (4, 6, 3), np.uint8)
                pictures = {"rgba": cv2.resize(noise, (1280, 800))}
            packed.write(number, label, pictures)

    return fill


def folder(root, environment=PICTURES):
    options = make_synthetic.pack_options(SIZE, 1)
    return Folder(root, SetType.TRAIN, "female_101_a_a", environment, pack=options)


@pytest.mark.parametrize("environment", [PICTURES, LABELS_ONLY])
def test_a_set_that_grows_and_is_killed_comes_out_as_one_made_at_once(
    tmp_path, fill, monkeypatch, environment
):
    numbers, killed = [0, 3, 998, 1002, 2500], Mock(side_effect=KeyboardInterrupt)
    at_once, grown = (folder(tmp_path / name, environment) for name in ("once", "grown"))
    fill(at_once, *numbers)
    assert at_once.missing(numbers) == set() and at_once.missing([0, 7]) == {7}
    at_once.finish()
    for some in ([998, 0], [1002, 3], [2500]):
        fill(grown, *some)
        # Killed after the shards and before the rows, then after the rows.
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr("dataset.packed.shards.Environment.save", killed)
            grown.finish()
        assert not grown.missing(some)
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "rmtree", lambda *_, **__: None)
            grown.finish()
        next((grown.root / STAGING).rglob("*.j*")).unlink()
        assert not grown.missing(some)
        grown.finish()
    for packed in (at_once, grown):
        put_together(packed.root, packed.pack)
    assert archives.contents(at_once.root) == archives.contents(grown.root)
    assert not (grown.root / STAGING).exists()


def test_half_a_frame_and_a_lost_shard_are_made_again(tmp_path, fill):
    packed = folder(tmp_path)
    fill(packed, 1, 1500)
    packed.finish()
    fill(packed, 2, 4)
    next((tmp_path / STAGING).rglob("*2.jpg")).unlink()
    assert packed.missing([1, 2, 4, 1500]) == {2}
    next((tmp_path / "TrainSet").glob("*-00001.tar")).unlink()
    assert packed.missing([1, 2, 4, 1500]) == {2, 1500}
    next((tmp_path / STAGING).rglob("*4.jpg")).write_bytes(b"")
    os.truncate(next((tmp_path / "TrainSet").glob("*-00000.tar")), 900)
    assert packed.missing([1, 2, 4, 1500]) == {1, 2, 4, 1500}
    fill(packed, 1, 2, 4, 1500)
    packed.finish()
    assert packed.missing([1, 2, 4, 1500]) == set()
