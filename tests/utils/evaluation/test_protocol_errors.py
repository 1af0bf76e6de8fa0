"""Errors by the protocols of other sets, against plain formulas."""

import json

import numpy as np
import pytest
from commands import refused
from sample_poses import evaluated, standing
from scipy.spatial.transform import Rotation

from base.registry import load_class
from base.set_type import SetType
from base.skeleton import JOINTS
from dataset import FORMATS
from dataset.mo2cap2 import Mo2Cap2
from dataset.scene_ego import SceneEgo
from dataset.unreal_ego import UnrealEgo
from utils.evaluation.metrics import measure
from utils.evaluation.poses import keep_joints
from utils.evaluation.protocol_errors import MEASURES, with_mean_bones
from utils.evaluation.results import Measured, read_results
from utils.evaluation.tables import result_table, text_summary, text_table

#: Limbs from the Neck on with their lengths in Mo2Cap2's mean3D, millimetres.
BONES = {
    "RightArm": ("Neck", 146.8),
    "RightForeArm": ("RightArm", 220.0),
    "RightHand": ("RightForeArm", 144.5),
    "LeftArm": ("Neck", 147.7),
    "LeftForeArm": ("LeftArm", 224.7),
    "LeftHand": ("LeftForeArm", 147.1),
    "RightUpLeg": ("RightArm", 455.0),
    "RightLeg": ("RightUpLeg", 362.1),
    "RightFoot": ("RightLeg", 316.1),
    "RightToeBase": ("RightFoot", 157.2),
    "LeftUpLeg": ("LeftArm", 458.4),
    "LeftLeg": ("LeftUpLeg", 366.2),
    "LeftFoot": ("LeftLeg", 317.8),
    "LeftToeBase": ("LeftFoot", 152.8),
}


def pair(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true poses, (3, 16, 3); of the truth no Head, and in one frame no hand."""
    rng = np.random.default_rng(seed)
    target = standing() + rng.normal(0, 0.05, (3, 16, 3))
    turn = Rotation.from_euler("xyz", [10, -20, 30], degrees=True).as_matrix()
    predicted = (target + rng.normal(0, 0.03, target.shape)) @ turn * 1.1 + [0.1, 0.2, 0.3]
    target[:, JOINTS.index("Head")] = np.nan
    target[1, JOINTS.index("LeftHand")] = np.nan
    return predicted, target


def test_bones_get_the_lengths_of_mean3d_and_both_poses_are_aligned():
    predicted, target = pair()
    resized = []
    for pose in (*predicted, *target):
        placed = {"Neck": pose[0]}
        for joint, (parent, length) in BONES.items():
            bone = pose[JOINTS.index(joint)] - pose[JOINTS.index(parent)]
            placed[joint] = placed[parent] + length / 1000 * bone / np.linalg.norm(bone)
        resized.append(np.array(list(placed.values())))
    assert np.allclose(with_mean_bones(target), np.array(resized[3:]), rtol=1e-12, equal_nan=True)
    found = MEASURES["ba_pa_mpjpe"](evaluated(predicted, target))
    for row, (made, true) in enumerate(zip(resized[:3], resized[3:], strict=True)):
        there = np.isfinite(true[:, 0])
        a, b = made[there] - made[there].mean(0), true[there] - true[there].mean(0)
        turned = Rotation.align_vectors(b, a)[0].apply(a)
        turned *= (turned * b).sum() / (a**2).sum()
        assert found[row] == pytest.approx(1000 * np.linalg.norm(turned - b, axis=-1).mean())
        assert there.sum() == 15 - (row == 1)


def test_origins_of_the_errors():
    predicted, target = pair()
    poses = evaluated(predicted, target)
    hips = [JOINTS.index("LeftUpLeg"), JOINTS.index("RightUpLeg")]
    made, true = (x - x[:, hips].mean(1, keepdims=True) for x in (predicted, target))
    off = 1000 * np.linalg.norm(made - true, axis=-1)
    assert MEASURES["pelvis"](poses) == pytest.approx(np.nanmean(off, 1))
    for measure_, name in (("absolute", "absolute"), ("neck", "mpjpe"), ("pa_mpjpe", "pa_mpjpe")):
        assert MEASURES[measure_](poses).tolist() == poses.part_errors[name][:, 0].tolist()


def test_a_set_s_own_protocol_stands_below_the_table():
    poses = evaluated(*pair(), characters="aab")
    found = measure(poses, SceneEgo.protocol)["protocol"]
    own = poses.part_errors
    assert found["mm"]["MPJPE (camera frame)"] == pytest.approx(own["absolute"][:, 0].mean())
    assert found["mm"]["PA-MPJPE"] == pytest.approx(own["pa_mpjpe"][:, 0].mean())
    low, high = found["mm"]["PA-MPJPE_interval"]
    assert low < found["mm"]["PA-MPJPE"] < high and "10.17617/3.VCIHDO" in found["licence"]
    text = text_table(*result_table(measure(poses, SceneEgo.protocol)))
    absolute, aligned = (own[name][:, 0].mean() for name in ("absolute", "pa_mpjpe"))
    line = "SceneEgo's own protocol: MPJPE (camera frame) {:.1f} mm, PA-MPJPE {:.1f} mm"
    assert text.endswith(line.format(absolute, aligned))
    text = " ".join(text_table(*result_table(measure(poses, UnrealEgo.protocol))).split())
    line = "EgoPoseFormer, both pictures: MPJPE (pelvis) 34.5 mm, PA-MPJPE 33.4 mm (pelvis: here"
    assert line in text
    assert "protocol" not in measure(poses) and "own protocol" not in text_table(
        *result_table(measure(poses))
    )
    for place in FORMATS.values():
        protocol = load_class(place).protocol
        if isinstance(protocol, type(SceneEgo.protocol)):
            assert set(protocol.metrics.values()) <= set(MEASURES)
            assert all(
                errors.keys() <= protocol.metrics.keys() for errors in protocol.published.values()
            )


def test_of_fewer_joints_than_the_set_has_it_says_how_many_and_nothing_published():
    poses = evaluated(*pair(), characters="aab")
    labelled = [name for name in JOINTS if name != "Head"]
    common = keep_joints(poses, [name for name in labelled if "Toe" not in name])
    for evaluation, count, over in (
        (common, 13, " over 13 of the set's 15 joints, not comparable with the published figures"),
        (poses, 15, ""),
    ):
        found = measure(evaluation, UnrealEgo.protocol, labelled)
        text = " ".join(text_table(*result_table(found)).split())
        assert f"UnrealEgo's own protocol{over}: MPJPE (pelvis)" in text
        assert ("34.5" in text) == bool(found["protocol"]["published"]) == (not over)
        assert f"Over {count} of the 16 joints: without Head" in text and "Martinez" not in text


def test_without_a_common_frame_only_aligned_errors_are_given(tmp_path):
    predicted, target = pair()
    reason = Mo2Cap2.aligned_only(SetType.TEST)
    poses = evaluated(predicted, target, aligned_only=reason, mean_pose=standing())
    found = measure(poses, Mo2Cap2.protocol)
    cell = found["full"]["All"]
    assert cell.keys() == {"pa_mpjpe", "pa_mpjpe_rigid", "frames"}
    assert found.keys() - {"full", "upper", "lower"} == {
        *("joints_measured", "aligned_only", "protocol", "bones", "impossible", "characters"),
    }
    assert set(found["protocol"]["metrics"].values()) == {"ba_pa_mpjpe", "pa_mpjpe"}
    other = measure(poses, SceneEgo.protocol)["protocol"]
    assert [*other["mm"]] == ["PA-MPJPE"]
    text = " ".join(f"{text_table(*result_table(found))}\n{text_summary(found)}".split())
    assert text.count(reason) == 1 and "full body" not in text and "Martinez" not in text
    assert text.startswith("PA-MPJPE, mm All Walking ─")
    assert poses.mpjpe == pytest.approx(poses.part_errors["pa_mpjpe"][:, 0])
    # What is drawn is a truth where the prediction is; its errors after alignment stay.
    moved = poses.in_place()
    assert moved.mpjpe == pytest.approx(poses.mpjpe)
    known = moved.known
    assert np.linalg.norm((moved.target - predicted)[known], axis=-1).max() < 0.2
    assert evaluated(predicted, target).in_place().target is target
    (tmp_path / "results.json").write_text(json.dumps(found))
    refused("only errors after alignment", read_results, tmp_path, Measured)
