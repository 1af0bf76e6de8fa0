"""The checksum of a set bears rounding, and nothing else."""

import copy

import numpy as np
import pytest

from base.set_type import SetType
from utils.benchmarking.fingerprint import (
    TOLERANCES,
    differences,
    fingerprint,
    signed_sums,
    split_fingerprint,
)


@pytest.fixture(scope="module")
def written(tiny_data):
    return fingerprint(tiny_data, 64)


def test_a_set_is_itself(written, tiny_data):
    assert differences(written, fingerprint(tiny_data, 64)) == []
    assert written["TestSet"]["frames"] == 6 and written["TrainSet"]["characters"] == 3


def test_rounding_is_borne_and_a_joint_elsewhere_is_not():
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(12_000, 16, 3))
    sums = signed_sums(joints)

    def largest(others):
        return np.abs(np.subtract(signed_sums(others), sums)).max()

    noise = rng.uniform(-2e-7, 2e-7, joints.shape)
    assert largest(joints + noise) < TOLERANCES["joints3d"]
    joints[7777, 4, 1] += 0.003
    assert largest(joints) > TOLERANCES["joints3d"]


def test_frames_in_another_order_are_seen():
    values = np.arange(100.0)
    assert not np.allclose(signed_sums(values), signed_sums(values[::-1]))


def test_another_picture_and_another_clip_are_named(written, tiny_data, monkeypatch):
    other = copy.deepcopy(written)
    other["ValSet"]["identities_sha256"] = "0"
    assert differences(written, other) == ["ValSet: identities_sha256"]
    assert len(differences(written, {})) == sum(len(split) for split in written.values())

    from dataset.mocap import Mocap

    plain = Mocap.__getitem__

    def exchanged(self, row):
        frame = plain(self, row)
        if row == 1:
            frame.image = plain(self, 5).image
        return frame

    monkeypatch.setattr(Mocap, "__getitem__", exchanged)
    changed = split_fingerprint(tiny_data, SetType.TEST, 64)
    assert differences({"TestSet": written["TestSet"]}, {"TestSet": changed}) == [
        "TestSet: pictures"
    ]
