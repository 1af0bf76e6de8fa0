"""Loaders of what is in memory: epochs, views, and going on within an epoch."""

import numpy as np
import pytest
import torch

from base.frame import FrameId
from dataset.annotations import Annotations
from dataset.order import Division
from utils.training.data import HistoryBatch, HistoryLoader, LabelLoader

FRAMES, VIEWS = 10, 2
CPU = torch.device("cpu")
FRAME_IDS = [FrameId("anna", "env_001", number) for number in range(FRAMES)]
ACTIONS = [f"clip_{number}" for number in range(FRAMES)]


class Labels:
    """A split whose every coordinate is the frame's number."""

    def __len__(self):
        return FRAMES

    def frame_id(self, index):
        return FRAME_IDS[index]

    def annotations(self):
        number = np.arange(FRAMES, dtype=np.float32)[:, None, None]
        joints2d, joints3d = (number.repeat(16, 1).repeat(axes, 2) for axes in (2, 3))
        return Annotations(joints2d, joints3d, np.ones((FRAMES, 16), bool), ACTIONS)


def predicted():
    """A video whose every number is that of the frame, 100 more in the second view."""
    numbers = torch.arange(FRAMES).float() + 100 * torch.arange(VIEWS)[:, None]

    def filled(*shape):
        return numbers.view(VIEWS, FRAMES, *[1] * len(shape)).expand(VIEWS, FRAMES, *shape)

    flags = torch.ones(VIEWS, FRAMES, 16, dtype=torch.bool)
    memory = [filled(16, 3), filled(16, 4).half()]
    return HistoryBatch(None, None, filled(16, 3), flags, ACTIONS, FRAME_IDS, memory, flags)


def history_loader(**order):
    return HistoryLoader(predicted(), (0, 1, 3), CPU, **order)


@pytest.fixture(params=[lambda **order: LabelLoader(Labels(), CPU, **order), history_loader])
def make(request):
    return request.param


def rows(loader, epoch):
    loader.epoch = epoch
    return [frame.number for batch in loader for frame in batch.frame_ids]


def test_epochs_of_some_frames_go_through_all_before_any_comes_again(make):
    order = {"shuffle": True, "drop_last": True, "seed": 1, "epoch_frames": 4}
    loader = make(batch_size=2, division=Division(0, 1, 2), **order)
    epochs = [rows(loader, epoch) for epoch in range(5)]
    assert len(loader) == 2 and all(len(epoch) == 4 for epoch in epochs)
    taken = [row for epoch in epochs for row in epoch]
    assert sorted(taken[:FRAMES]) == sorted(taken[FRAMES:]) == list(range(FRAMES))
    assert taken[:FRAMES] != taken[FRAMES:]
    loader.start = 1  # a step of two batches
    assert len(loader) == 2 and rows(loader, 4) == epochs[4][2:]


def test_a_batch_holds_its_frames_and_can_name_them(make):
    loader = make(batch_size=4)
    assert rows(loader, 0) == list(range(FRAMES))
    batch = loader.rows([7, 2])
    assert batch.joints3d[:, 0, 0].tolist() == [7, 2]
    assert batch.actions == ["clip_7", "clip_2"]
    assert batch.frame_ids == [FRAME_IDS[7], FRAME_IDS[2]]


def test_each_epoch_is_of_the_next_view_with_histories_of_the_same():
    loader = history_loader(batch_size=4)
    assert loader.complete == 0.7
    for epoch, more in enumerate((0, 100, 0)):
        loader.epoch = epoch
        batch = loader.rows([5, 2])
        assert batch.joints3d[:, 0, 0].tolist() == [5 + more, 2 + more]
        # Frame 2 has none three before it; its own place is taken and marked.
        expected = torch.tensor([[5, 4, 2], [2, 1, 2]]) + more
        assert torch.equal(batch.history[1][..., 0, 0], expected.half())
        assert batch.history[-1].tolist() == [[True] * 3, [True, True, False]]
