"""Batches: order, broken frames stepped over, reading into memory."""

import math
from types import SimpleNamespace

import pytest
import release
import torch
from commands import refused

from base.set_type import SetType
from dataset import in_memory, open_split
from dataset import loader as loader_module
from dataset.batch import Batch, to_input
from dataset.in_memory import InMemory
from dataset.loader import FrameLoader, bytes_in_flight
from dataset.order import Division


@pytest.fixture
def broken_fourth(tmp_path):
    """Six frames; the picture of number 4 is cut off."""
    folder = release.fill(tmp_path, range(6))
    path = release.picture_path(folder, 4)
    path.write_bytes(path.read_bytes()[:300])
    return open_split(tmp_path, SetType.TRAIN, 32)


def numbers(loader) -> list[int]:
    return [frame_id.number for batch in loader for frame_id in batch.frame_ids]


@pytest.mark.parametrize(
    ("workers", "replace", "expected"),
    [(0, False, [0, 1, 2, 3, 5]), (1, False, [0, 1, 2, 3, 5]), (0, True, [0, 1, 2, 3, 5, 5])],
)
def test_a_broken_frame_is_passed_or_replaced_and_named(broken_fourth, workers, replace, expected):
    loader = FrameLoader(broken_fourth, 2, workers, replace_broken=replace)
    for _ in range(2):
        assert numbers(loader) == expected
    [(frame_id, reason)] = loader.broken
    assert frame_id.number == 4 and "rgba.000004.png" in reason


def test_frames_in_memory_are_those_on_disk_less_the_broken(broken_fourth, tmp_path):
    kept = InMemory(broken_fourth, threads=2)
    assert numbers(FrameLoader(kept, 4)) == [0, 1, 2, 3, 5]
    assert [kept.frame_id(i).number for i in range(len(kept))] == [0, 1, 2, 3, 5]
    [(frame_id, _)] = kept.broken
    assert frame_id.number == 4 and (kept[4].image == broken_fourth[5].image).all()
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"no picture")
    refused("none of 6 pictures", InMemory, broken_fourth, threads=1)


def test_the_order_is_new_each_epoch_fixed_by_the_seed_and_can_be_gone_on_with(broken_fourth):
    kept = InMemory(broken_fourth, threads=1)

    def epochs(seed, start=0) -> list[list[int]]:
        loader = FrameLoader(kept, 2, shuffle=True, seed=seed, drop_last=True)
        assert len(loader) == 2
        loader.start = start
        found = []
        for loader.epoch in range(3):
            found.append(numbers(loader))
        return found

    first = epochs(0)
    assert first == epochs(0) and first != epochs(1)
    assert first[0] != first[1] and all(len(set(epoch)) == 4 for epoch in first)
    assert epochs(0, start=1) == [epoch[2:] for epoch in first]


def test_input_is_normalised_as_the_reference_does():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3)
    expected = (torch.tensor([0, 51, 255]) / 255 - 0.5) / 0.5
    assert torch.allclose(to_input(images).flatten(), expected, atol=1e-6)


PICTURE = 368 * 368 * 3


@pytest.mark.parametrize(
    ("batch_size", "workers", "division", "pictures"),
    [
        (16, 4, Division(), 9 * 16),
        (16, 4, Division(accumulate=4), 12 * 4),
        (256, 8, Division(1, 8, 2), 18 * 16),
        (5, 1, Division(0, 2), 3 * 3),
    ],
)
def test_the_batches_under_way_are_counted(batch_size, workers, division, pictures):
    assert bytes_in_flight(batch_size, 368, workers, division) == pictures * PICTURE


def no_room(self):
    raise RuntimeError("unable to allocate shared memory(shm): No space left on device (28)")


@pytest.mark.parametrize(
    ("free", "said", "share"),
    [
        (math.inf, "", Batch.share_memory),
        (2**20, "through pipes", Batch.share_memory),
        (0, "from the main process alone", Batch.share_memory),
        # Filled by others after the start.
        (math.inf, "through pipes", no_room),
    ],
)
def test_batches_are_alike_in_any_shared_memory(
    free, said, share, broken_fourth, monkeypatch, capsys
):
    alone = list(FrameLoader(broken_fourth, 2))
    monkeypatch.setattr(loader_module, "free_shared_memory", lambda: free)
    monkeypatch.setattr(loader_module, "picture_bytes", lambda count, size: 2**30)
    monkeypatch.setattr(Batch, "share_memory", share)
    loader = FrameLoader(broken_fourth, 2, workers=2)
    for _ in range(2):
        for ours, theirs in zip(loader, alone, strict=True):
            assert ours.frame_ids == theirs.frame_ids
            for name in ("images", "joints2d", "joints3d", "visible"):
                assert torch.equal(getattr(ours, name), getattr(theirs, name))
    assert len(loader.broken) == 1
    told = capsys.readouterr().err
    assert told.count("/dev/shm") == told.count("--shm-size") == bool(said) and said in told


def test_free_shared_memory_is_what_the_folder_has_left(monkeypatch):
    usage = SimpleNamespace(total=100, free=7)
    monkeypatch.setattr(in_memory.sys, "platform", "linux")
    monkeypatch.setattr(in_memory.os, "access", lambda path, mode: path == "/dev/shm")
    monkeypatch.setattr(in_memory.shutil, "disk_usage", lambda path: usage)
    assert in_memory.free_shared_memory() == 7
    usage.total = 0  # without a limit
    assert in_memory.free_shared_memory() == math.inf
    monkeypatch.setattr(in_memory.os, "access", lambda path, mode: False)
    assert in_memory.free_shared_memory() == 0
