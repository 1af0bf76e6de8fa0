"""Rotation error on labels made by hand, with SciPy's angles, and on the synthetic set."""

import json
from itertools import pairwise

import numpy as np
import pytest
from commands import pack
from release import fill, label_path, write_label
from sample_poses import evaluated, standing
from scipy.spatial.transform import Rotation

from base.set_type import SetType
from base.skeleton import JOINTS, MIRROR
from dataset import open_split
from dataset.bone_labels import BONES, BoneLabels, read_bone_labels
from utils.evaluation.metrics import measure
from utils.evaluation.poses import Poses
from utils.evaluation.rotation_error import (
    MEASURED,
    angles,
    global_rotations,
    movement,
    rotation_errors,
)
from utils.evaluation.tables import text_summary
from utils.motion.rig import CAMERA_TO_RIG, JOINT_ROWS, REST, RIG_JOINTS, forward_kinematics
from utils.motion.solver import solve_clip

_CHAINS = [
    *("Hips Spine Spine1 Spine2 Neck Head", "Spine2 LeftShoulder LeftArm LeftForeArm LeftHand"),
    *("Spine2 RightShoulder RightArm RightForeArm RightHand", "Hips LeftUpLeg LeftLeg LeftFoot"),
    *("Hips RightUpLeg RightLeg RightFoot", "LeftFoot LeftToeBase", "RightFoot RightToeBase"),
]
_PARENTS = {child: parent for chain in _CHAINS for parent, child in pairwise(chain.split())}


def moving(seed: int = 0, count: int = 12) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(N, 16, 3) metres, camera's axes, of a rigid skeleton, and the (N, 3, 3) rotations of
    Mixamo's bones that are solved from these joints, in the rig's axes."""
    rng = np.random.default_rng(seed)
    solved = solve_clip(standing() + rng.normal(0, 0.06, (count, 16, 3)))
    places, turned = forward_kinematics(*solved)
    found = {name: turned[:, row] for row, name in enumerate(RIG_JOINTS)}
    trunk = {"Spine2": found["Spine1"], "Spine1": found["Spine"]}
    shoulders = {f"{side}Shoulder": found["Spine1"] for side in ("Left", "Right")}
    return places[:, JOINT_ROWS] @ CAMERA_TO_RIG, found | trunk | shoulders


def labelled(
    joints3d: np.ndarray,
    turned: dict[str, np.ndarray],
    order: str = "xyz",
    chain: bool = False,
    seed: int = 1,
) -> BoneLabels:
    """Labels of poses in a world that is turned and moved anew in every frame."""
    rng = np.random.default_rng(seed)
    world = Rotation.from_quat(rng.normal(size=(len(joints3d), 4)))
    places = np.zeros((len(joints3d), len(BONES), 3))
    for row, name in enumerate(JOINTS):
        in_rig = joints3d[:, row] @ CAMERA_TO_RIG.T
        places[:, BONES.index(name)] = 100 * world.apply(in_rig) + [10.0, 90.0, -50.0]
    bones = {name: world * Rotation.from_matrix(turned[name]) for name in BONES}
    if chain:
        bones |= {child: bones[parent].inv() * bones[child] for child, parent in _PARENTS.items()}
    about = [bones[name].as_euler(order, degrees=True) for name in BONES]
    columns = [max(0, order.find(axis)) for axis in "xyz"]
    return BoneLabels(places, np.stack(about, 1)[..., columns])


def errors(predicted: np.ndarray, target: np.ndarray, bones: BoneLabels, **more):
    return rotation_errors(evaluated(predicted, target, bones=bones, **more))


@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("order", ["xyz", "zyx", "yxz"])
def test_a_body_turned_by_30_degrees_is_30_degrees_off(order, chain):
    target, turned = moving()
    by_30 = Rotation.from_euler("x", 30, degrees=True).as_matrix()
    found = errors(target @ by_30.T, target, labelled(target, turned, order, chain))
    assert (found["order"], found["axes"]) == (order, "parent" if chain else "world")
    assert found["mpjae"] == pytest.approx(30.0, abs=0.01)
    assert found["from_truth"] == pytest.approx(0.0, abs=0.01)
    assert list(found["by_bone"]) == list(MEASURED) and len(MEASURED) == 13
    for bone in found["by_bone"].values():
        assert bone["mpjae"] == pytest.approx(30.0, abs=0.01)
        assert bone["rest"] == pytest.approx(0.0, abs=0.01)


def test_the_error_of_a_bone_is_of_that_bone_alone():
    target, turned = moving()
    predicted = target.copy()
    elbow, hand = (target[:, JOINTS.index(f"Left{name}")] for name in ("ForeArm", "Hand"))
    along = turned["LeftForeArm"][:, :, 0] @ CAMERA_TO_RIG
    across = turned["LeftForeArm"][:, :, 1] @ CAMERA_TO_RIG  # the hinge: the upper arm stays
    swung = np.cos(np.radians(9)) * along + np.sin(np.radians(9)) * np.cross(across, along)
    predicted[:, JOINTS.index("LeftHand")] = elbow + swung * np.linalg.norm(
        hand - elbow, axis=-1, keepdims=True
    )
    by_bone = errors(predicted, target, labelled(target, turned))["by_bone"]
    assert by_bone["LeftForeArm"]["swing"] == pytest.approx(9, abs=0.3)
    others = [bone["swing"] for name, bone in by_bone.items() if name != "LeftForeArm"]
    assert max(others) < 0.3


def test_direction_and_twist_of_a_bone():
    def turn(*axis: float, degrees: float) -> np.ndarray:
        turned = Rotation.from_rotvec(np.radians(degrees) * np.array(axis)).as_matrix()
        return np.broadcast_to(turned, (1, 13, 3, 3))

    row = [*MEASURED].index
    arm, leg, foot = row("RightForeArm"), row("RightLeg"), row("RightFoot")
    own = turn(0, 1, 0, degrees=70) @ turn(0, 0, 1, degrees=20)
    for bone, axis, across in (
        (arm, (1, 0, 0), leg),
        (leg, (0, 1, 0), arm),
        (foot, REST[RIG_JOINTS.index("RightToeBase")], arm),  # its bone slopes at rest
    ):
        found = angles(own, own @ turn(*axis, degrees=-40))
        assert found["mpjae"] == pytest.approx(np.full((1, 13), 40.0))
        for part, column in (("twist", bone), ("swing", across)):
            other = {"twist": "swing", "swing": "twist"}[part]
            assert found[part][0, column] == pytest.approx(40)
            assert found[other][0, column] == pytest.approx(0, abs=1e-5)
    assert angles(own, own @ turn(1, 0, 0, degrees=180))["mpjae"] == pytest.approx(180.0)


def test_other_axes_at_rest_do_not_count():
    target, turned = moving()
    predicted = target + np.random.default_rng(2).normal(0, 0.02, target.shape)
    plain = errors(predicted, target, labelled(target, turned))
    rest = Rotation.from_euler("zx", [90, -25], degrees=True).as_matrix()
    other = errors(predicted, target, labelled(target, {k: v @ rest for k, v in turned.items()}))
    assert 1 < plain["mpjae"] < 30
    for key in ("mpjae", "swing", "twist", "from_truth"):
        assert other[key] == pytest.approx(plain[key], abs=1e-3)
    size = np.degrees(Rotation.from_matrix(rest).magnitude())
    assert other["by_bone"]["LeftLeg"]["rest"] == pytest.approx(size, abs=0.01)


def test_swapped_sides_are_noticed():
    target, turned = moving()
    labels = labelled(target, turned)
    assert errors(target[:, list(MIRROR)], target, labels)["mpjae"] > 60
    sides = {"L": "Right", "R": "Left"}
    swapped = [
        BONES.index(sides[name[0]] + name[4 + (name[0] == "R") :]) if name[0] in "LR" else row
        for row, name in enumerate(BONES)
    ]
    why = errors(target, target, labels._replace(degrees=labels.degrees[:, swapped]))["why"]
    assert "no order of their angles keeps limbs rigid" in why


def test_hips_may_be_labelled_beside_where_thighs_turn_about():
    target, turned = moving()
    joints, degrees = labelled(target, turned)
    for name, beside in (("LeftUpLeg", 0.0), ("LeftHand", 5 / 8**0.5)):
        moved, by = joints.copy(), np.random.default_rng(0).normal(size=(12, 3))
        by -= by.mean(0)
        moved[:, BONES.index(name)] += 5 * by / np.sqrt((by**2).sum() / 11)
        off = movement(global_rotations(degrees, "xyz", False), moved, np.zeros(12))
        assert off == pytest.approx(beside, rel=0.2, abs=1e-3)


def test_labels_that_cannot_be_understood_have_no_figure():
    target, turned = moving()
    good = labelled(target, turned)
    still = BoneLabels(*(np.repeat(values[:1], 12, 0) for values in good))
    few = {"characters": "abcdefghijkl"}
    cases = [
        ("no order", labelled(target, turned, "zxz"), {}),
        ("no order", good._replace(degrees=np.radians(good.degrees)), {}),
        ("several frames of a person", good, few),
        ("cm off", good._replace(joints=good.joints * [-1.0, 1.0, 1.0]), {}),
        ("cm off", good._replace(joints=good.joints / 100), {}),
        ("lack bones", good._replace(degrees=np.full_like(good.degrees, np.nan)), {}),
    ]
    for why, labels, more in cases:
        found = errors(target, target, labels, **more)
        assert [*found] == ["why"] and why in found["why"], why
    assert "more than one order" in errors(target, np.repeat(target[:1], 12, 0), still)["why"]
    results = measure(evaluated(target, target, bones=cases[0][1]))
    assert "rotation error" not in text_summary(results)


def test_frames_without_rotations_do_not_count():
    target, turned = moving()
    labels = labelled(target, turned)
    labels.degrees[[0, 5], BONES.index("Hips")] = np.nan
    predicted = target.copy()
    predicted[[0, 5]] = target[[0, 5]][:, list(MIRROR)]
    found = errors(predicted, target, labels)
    assert found["frames"] == 10 and found["mpjae"] == pytest.approx(0, abs=0.01)
    predicted[6:] = target[6:][:, list(MIRROR)]
    found = errors(predicted, target, labels, characters="aaaaaabbbbbb")
    assert found["mpjae_interval"] == pytest.approx([0, found["mpjae"] * 10 / 6], abs=0.01)
    assert rotation_errors(evaluated(target, target)) is None
    chained = labelled(target, turned, chain=True)
    chained.degrees[3, BONES.index("LeftShoulder")] = np.nan  # a parent: not measured itself
    found = errors(target, target, chained)
    assert (found["frames"], found["axes"]) == (11, "parent")
    target[:, 15] = np.nan  # a joint that is not measured
    assert errors(predicted, target, labels) is None


def test_reading_labels(tmp_path):
    folder = fill(tmp_path, [1, 2, 3])
    rows = [
        {"name": f"mixamorig:{name}", "trans": [row, 2, 3], "rot": [row, -200.5, 6]}
        for row, name in enumerate(["Hips", *JOINTS, "LeftHandThumb1"])
    ]
    write_label(folder, 1, joints=rows)
    write_label(folder, 2, joints=[{**row, "rot": ["a", 0, 0]} for row in rows])
    write_label(folder, 3, joints=[{**row, "rot": [10**400, 0, 0]} for row in rows])
    paths = [label_path(folder, number) for number in (1, 2, 3, 9)]
    found = read_bone_labels(paths)
    knee = BONES.index("LeftLeg"), 1 + JOINTS.index("LeftLeg")
    assert found.degrees[0, knee[0]].tolist() == [knee[1], -200.5, 6]
    assert found.joints[0, knee[0]].tolist() == [knee[1], 2, 3]
    assert np.isnan(found.degrees[0, BONES.index("Spine2")]).all()
    assert np.isnan(found.degrees[1:]).all()
    write_label(folder, 1, joints=[{k: v for k, v in row.items() if k != "rot"} for row in rows])
    assert read_bone_labels(paths) is None


def test_truth_of_the_synthetic_set(tiny_data, tmp_path):
    dataset = open_split(tiny_data, SetType.TEST, pictures=False)
    frames = [dataset.frame_id(index) for index in range(len(dataset))]
    target = dataset.annotations().joints3d
    bones = dataset.bone_labels(frames[::-1])
    poses = Poses(target[::-1], target[::-1], ["walking"] * len(frames), frames[::-1], bones=bones)
    found = json.loads(json.dumps(measure(poses)["rotations"]))
    assert (found["order"], found["axes"], found["frames"]) == ("xyz", "world", 6)
    # Positions tell where bones point, and how hips and chest are turned; twist of limbs in part.
    by_bone = found["by_bone"]
    assert found["mpjae"] == found["from_truth"] < 8
    for name in ("Hips", "Spine1", "LeftArm", "RightArm"):
        assert by_bone[name]["mpjae"] < 5 and by_bone[name]["rest"] < 5  # the same T-pose
    for name in ("LeftForeArm", "RightForeArm", "LeftLeg", "RightLeg", "LeftFoot"):
        assert by_bone[name]["swing"] < 1
    packed = open_split(pack(tiny_data, tmp_path / "packed"), SetType.TEST, pictures=False)
    assert packed.bone_labels(frames) is None
