"""The checksum of a set tolerates rounding, and nothing else."""

import copy
import json

import numpy as np
import pytest

from base.set_type import SetType
from dataset.tree.mocap import Mocap
from utils.benchmarking.checksum import TOLERANCES, differences, set_checksum, signed_sums
from utils.common.paths import CONFIGS


@pytest.fixture(scope="module")
def written(tiny_data):
    return set_checksum(tiny_data, 64)


def test_a_set_is_itself_and_another_clip_picture_or_set_is_named(written, tiny_data, monkeypatch):
    assert written["TestSet"]["frames"] == 6 and written["TrainSet"]["characters"] == 3
    assert differences(written, copy.deepcopy(written)) == []
    other = copy.deepcopy(written)
    other["ValSet"]["identities_sha256"] = "0"
    assert differences(written, other) == ["ValSet: identities_sha256"]
    plain = Mocap.__getitem__

    def exchanged(self, row):
        frame = plain(self, row)
        if self.set_type is SetType.TEST and row == 1:
            frame.image = plain(self, 5).image
        return frame

    monkeypatch.setattr(Mocap, "__getitem__", exchanged)
    assert differences(written, set_checksum(tiny_data, 64)) == ["TestSet: pictures"]


def test_sums_are_those_of_the_frozen_checksums():
    """The signs, and their order, are part of the files in experiments/configs/benchmark."""
    assert signed_sums(np.arange(10.0)) == pytest.approx(
        [-4.110960958218893, -0.9486832980505138, 0.31622776601683794, 6.640783086353596]
    )
    frozen = json.loads((CONFIGS / "benchmark" / "set_small.json").read_text())
    assert frozen["TestSet"]["identities_sha256"].startswith("68e71c0b3479")
    assert frozen["TrainSet"]["joints3d"][0] == 0.5857977565312539


def test_rounding_is_tolerated_and_a_misplaced_joint_is_not():
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(12_000, 16, 3))
    sums = signed_sums(joints)

    def largest(others):
        return np.abs(np.subtract(signed_sums(others), sums)).max()

    assert largest(joints + rng.uniform(-2e-7, 2e-7, joints.shape)) < TOLERANCES["joints3d"]
    joints[7777, 4, 1] += 0.003
    assert largest(joints) > TOLERANCES["joints3d"]
    assert not np.allclose(signed_sums(joints), signed_sums(joints[::-1]))
