"""Shuffling of what is fetched shard by shard."""

import numpy as np
import pytest
import torch

from base.set_type import SetType
from dataset.mixed import Mixed
from dataset.order import MIXED, BatchOrder

SHARDS, FRAMES = 60, 50


@pytest.fixture
def codes():
    """The shard of each frame: all of one size."""
    return np.repeat(np.arange(SHARDS), FRAMES)


def order_of(codes, epoch=0, seed=0):
    order = BatchOrder(len(codes), 64, shuffle=True, seed=seed, shards=codes)
    order.epoch = epoch
    return order.permutation()


def test_each_frame_comes_once_in_an_order_fixed_by_seed_and_epoch(codes):
    first = order_of(codes)
    assert sorted(first.tolist()) == list(range(len(codes)))
    assert torch.equal(first, order_of(codes))
    assert not torch.equal(first, order_of(codes, epoch=1))
    assert not torch.equal(first, order_of(codes, seed=1))


def test_a_shard_is_needed_for_the_length_of_some_shards_only(codes):
    place = torch.empty(len(codes))
    order = order_of(codes)
    place[order] = torch.arange(len(codes)).float()
    for shard in range(SHARDS):
        own = place[torch.from_numpy(codes == shard)].sort().values
        gaps = torch.diff(own, append=own[:1] + len(codes))  # in a circle
        extent = (len(codes) - gaps.max()) / FRAMES
        assert 0.7 * MIXED < extent < 1.2 * MIXED


def test_a_batch_mixes_them_from_the_first_to_the_last(codes):
    found = [len({*codes[part]}) for part in order_of(codes).split(10 * MIXED)]
    # Of MIXED to MIXED + 1 at hand, each with ten frames in the batch on average.
    assert min(found[:-1]) >= MIXED - 2 and max(found) <= 1.6 * MIXED
    shards = codes[order_of(codes)]
    # Neighbours are of one shard as seldom as by chance.
    assert np.mean(shards[1:] == shards[:-1]) < 1.3 / MIXED


def test_few_shards_are_shuffled_through_and_through():
    codes = np.repeat(np.arange(4), 1000)
    places = order_of(codes).reshape(8, -1)
    shares = torch.stack([torch.bincount(part // 1000, minlength=4) for part in places]) / 500
    assert (shares - 0.25).abs().max() < 0.08


def test_sets_on_disk_keep_their_order():
    order = BatchOrder(100, 8, shuffle=True, seed=3)
    order.epoch = 2
    same = torch.randperm(100, generator=torch.Generator().manual_seed(3 * 1_000_003 + 2))
    assert torch.equal(order.permutation(), same)


class Frames:
    """As many frames, fetched in these shards or none."""

    set_type, camera = SetType.TRAIN, None

    def __init__(self, count, shards=None):
        self.count, self.shards = count, shards

    def __len__(self):
        return self.count


def test_of_several_roots_the_shards_are_told_apart_and_other_frames_are_free():
    remote = [Frames(4, np.array([0, 0, 1, 1])), Frames(2, np.array([0, 0]))]
    assert Mixed([remote[0], Frames(3), remote[1]], "abc").shards.tolist() == [
        *(0, 0, 1, 1),
        *(2, 3, 4),
        *(5, 5),
    ]
    assert Mixed([Frames(3), Frames(2)], "ab").shards is None
    weighed = Mixed([remote[0], Frames(2)], "ab", [2, 1])  # four and two of an epoch of six
    assert weighed.shards.tolist() == [0, 0, 1, 1, 2, 3]
