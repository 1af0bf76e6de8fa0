"""Bones get a person's lengths, and nothing else of a pose changes."""

import pytest
import torch

from base.skeleton import JOINTS
from model.joint_transformer import JointTransformer
from model.limbs import RigidLimbs

_CHAINS = (
    (("Neck", "Head"), (0.08,)),
    (("LeftArm", "LeftForeArm", "LeftHand"), (0.3, 0.2)),
    (("RightArm", "RightForeArm", "RightHand"), (0.3, 0.2)),
    (("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase"), (0.4, 0.5, 0.1)),
    (("RightUpLeg", "RightLeg", "RightFoot", "RightToeBase"), (0.4, 0.5, 0.1)),
)


@pytest.mark.parametrize(("names", "lengths"), _CHAINS)
def test_bones_keep_their_directions_and_get_the_lengths(names, lengths):
    limbs, joints = RigidLimbs(4), torch.randn(5, 16, 3)
    made = torch.tensor([0.08, 0.3, 0.2, 0.4, 0.5, 0.1])
    limbs.head.bias.data = torch.log(made / limbs._mean)
    moved = limbs(joints, torch.randn(5, 16, 4))
    chain = [JOINTS.index(name) for name in names]
    place = joints[:, chain[0]]
    for length, one, other in zip(lengths, chain, chain[1:], strict=False):
        bone = joints[:, other] - joints[:, one]
        place = place + length * bone / bone.norm(dim=-1, keepdim=True)
        torch.testing.assert_close(moved[:, other], place)


def test_lengths_are_those_of_each_person():
    torch.manual_seed(1)
    network = JointTransformer(channels=8, dim=8, layers=1, heads=1, rigid=True)
    network.limbs.head.weight.data.normal_()
    tokens, rays = (
        torch.randn(2, 16, 8),
        torch.nn.functional.normalize(torch.randn(2, 16, 3), dim=-1),
    )
    camera3d = network._estimate(tokens, rays).camera3d
    upper = [
        (camera3d[:, JOINTS.index(f"{side}ForeArm")] - camera3d[:, JOINTS.index(f"{side}Arm")])
        for side in ("Left", "Right")
    ]
    left, right = (bone.norm(dim=-1) for bone in upper)
    torch.testing.assert_close(left, right)
    assert abs(left[0] - left[1]) > 0.01
