"""Batches: order, broken frames stepped over, reading into memory."""

import pytest
import release
import torch

from base.errors import UserError
from base.set_type import SetType
from dataset.batch import to_input
from dataset.loader import FrameLoader, make_loader
from dataset.memory import InMemory
from dataset.mocap import open_split


@pytest.fixture
def data_with_a_broken_picture(tmp_path):
    folder = release.camera_folder(tmp_path)
    for number in range(6):
        release.write_label(folder, number)
        release.write_picture(folder, number)
    path = release.picture_path(folder, 4)
    path.write_bytes(path.read_bytes()[:300])
    return open_split(tmp_path, SetType.TRAIN, 32)


def numbers(loader) -> list[int]:
    return [frame_id.number for batch in loader for frame_id in batch.frame_ids]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_frame_is_stepped_over_counted_once_and_named(data_with_a_broken_picture, workers):
    loader = make_loader(data_with_a_broken_picture, 2, workers=workers)
    for _ in range(2):
        assert numbers(loader) == [0, 1, 2, 3, 5]
    [(frame_id, reason)] = loader.broken
    assert frame_id.number == 4 and "rgba.000004.png" in reason


def test_in_training_the_next_readable_frame_takes_a_broken_ones_place(data_with_a_broken_picture):
    loader = FrameLoader(data_with_a_broken_picture, 2, replace_broken=True)
    assert numbers(loader) == [0, 1, 2, 3, 5, 5]
    [(frame_id, _)] = loader.broken
    assert frame_id.number == 4


@pytest.mark.parametrize("workers", [0, 1])
def test_an_epoch_goes_on_from_any_step(data_with_a_broken_picture, workers):
    memory = InMemory(data_with_a_broken_picture, threads=1)
    loader = FrameLoader(memory, 2, workers=workers, shuffle=True, seed=3, drop_last=True)
    loader.epoch = 4
    whole = numbers(loader)
    loader.start = 1
    assert len(loader) == 2 and numbers(loader) == whole[2:]


def test_frames_in_memory_are_those_on_disk(data_with_a_broken_picture):
    memory = InMemory(data_with_a_broken_picture, threads=2)
    assert numbers(make_loader(memory, 4)) == [0, 1, 2, 3, 5]
    assert memory.broken[0][0].number == 4
    assert (memory[3].image == data_with_a_broken_picture[3].image).all()


def test_a_set_of_broken_pictures_only_is_refused(tmp_path):
    folder = release.camera_folder(tmp_path)
    release.write_label(folder, 1)
    release.write_picture(folder, 1).write_bytes(b"no picture")
    with pytest.raises(UserError, match="none of 1 pictures"):
        InMemory(open_split(tmp_path, SetType.TRAIN, 32), threads=1)


def test_the_order_is_shuffled_anew_each_epoch_and_fixed_by_the_seed(data_with_a_broken_picture):
    memory = InMemory(data_with_a_broken_picture, threads=1)

    def orders(seed: int) -> list[list[int]]:
        loader = FrameLoader(memory, 1, shuffle=True, seed=seed)
        found = []
        for epoch in range(3):
            loader.epoch = epoch
            found.append(numbers(loader))
        return found

    first = orders(0)
    assert first == orders(0) and first != orders(1)
    assert first[0] != first[1] and sorted(first[0]) == sorted(first[1])


def test_input_is_normalised_as_the_reference_does():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3)
    expected = (torch.tensor([0, 51, 255]) / 255 - 0.5) / 0.5
    assert torch.allclose(to_input(images).flatten(), expected, atol=1e-6)
