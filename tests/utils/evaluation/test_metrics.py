"""Each metric on hand-made poses."""

import json

import numpy as np
import pytest
from sample_poses import evaluated

from base.frame import FrameId
from base.skeleton import JOINTS, LIMBS, LOWER_BODY, MIRROR, NUM_JOINTS
from utils.evaluation.metrics import impossible, measure, motion, swapped
from utils.evaluation.tables import result_table, text_summary

HAND = JOINTS.index("LeftHand")
TOES = "LeftToeBase", "RightToeBase"
ACTIONS = ["walking", "Talking", "unheard_of", "Boxing_mixamo_com_x", "walking", "No"]


def pose(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, NUM_JOINTS, 3))


def measured(predicted: np.ndarray, target: np.ndarray, **options):
    """Results of frames that each stand alone, all of one character."""
    return measure(evaluated(predicted, target, [10 * n for n in range(len(target))], **options))


def test_pck_counts_joints_at_the_threshold_and_not_the_neck():
    target = np.zeros((1, NUM_JOINTS, 3))
    predicted = target.copy()
    predicted[0, 1:6, 0] = 0.125
    predicted[0, 6:9, 1] = 0.2
    found = measured(predicted, target)["pck"]
    expected = {str(mm): (7 if mm < 125 else 12) / 15 for mm in range(0, 155, 5)}
    assert found.pop("curve") == pytest.approx(expected)
    auc = (25 * 7 + 6 * 12) / 15 / 31
    assert found == pytest.approx({"50": 7 / 15, "100": 7 / 15, "150": 12 / 15, "auc": auc})


#: A person of 1.66 m upright, metres: x to the left, y ahead, z up.
PERSON = np.array(
    [
        *([0, 0, 1.45], [0, 0, 1.53]),
        *([0.17, 0, 1.4], [0.2, 0, 1.13], [0.2, 0.05, 0.9]),
        *([-0.17, 0, 1.4], [-0.2, 0, 1.13], [-0.2, 0.05, 0.9]),
        *([0.1, 0, 0.9], [0.1, 0, 0.5], [0.1, 0, 0.08], [0.1, 0.14, 0.02]),
        *([-0.1, 0, 0.9], [-0.1, 0, 0.5], [-0.1, 0, 0.08], [-0.1, 0.14, 0.02]),
    ]
)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, False),
        ({1: [0, 0, 1.9]}, False),  # where a rig has its Head does not matter
        ({4: [0.2, 0.23, 1.13]}, False),  # a forearm ahead
        ({4: [0.2, 0.4, 0.9]}, True),  # and 0.46 m long: nobody's
        ({7: [-0.2, 0.0, 1.03]}, True),  # 0.1 m
        ({4: [0.23, 0.0, 1.36]}, True),  # the hand folded back onto the upper arm
        ({4: [0.3, 0.0, 1.33]}, False),  # 33°
        ({10: [0.1, 0.1, 0.89], 11: [0.1, 0.2, 0.8]}, True),  # heel through the thigh
        ({8: [0.1, 1.0, 1.4]}, True),  # the trunk
    ],
)
def test_limbs_that_nobody_has(changes, wrong):
    pose = PERSON.copy()
    for joint, place in changes.items():
        pose[joint] = place
    poses = np.stack([pose, pose[list(MIRROR)] * [-1, 1, 1], PERSON]) + 3.0
    assert impossible(poses).tolist() == [wrong, wrong, False]
    found = measured(poses, np.stack([PERSON] * 3))["impossible"]
    assert found == {"predicted": pytest.approx(2 / 3 * wrong), "true": 0}


def test_hidden_hands_near_the_truth():
    target = np.stack([PERSON] * 3)
    predicted = target + 1.0
    predicted[:2, 4, 0] += [0.24, 0.26]
    predicted[2, [7, 15]] += 1.0  # a visible hand, and a hidden toe
    visible = np.ones((3, NUM_JOINTS), bool)
    visible[:, 4], visible[2, 15] = False, False
    found = measured(predicted, target, visible=visible)["hidden_hands"]
    assert found == {"near": pytest.approx(2 / 3), "hands": 3}


def test_exchanged_arms_and_legs_are_counted_and_a_tie_is_no_swap():
    target = pose()
    arms, legs = target.copy(), target.copy()
    arms[:, 2:8] = target[:, [MIRROR[joint] for joint in range(2, 8)]]
    legs[:, list(LOWER_BODY)] = target[:, [MIRROR[joint] for joint in LOWER_BODY]]
    both = target[:, list(MIRROR)]
    tie = (target + both) / 2
    poses, truth = np.concatenate([target, arms, legs, both, arms, tie]), np.repeat(target, 6, 0)
    assert swapped(poses, truth).astype(int).tolist() == [
        *([0, 0], [1, 0], [0, 1], [1, 1], [1, 0], [0, 0]),
    ]
    assert measured(poses, truth)["swaps"] == pytest.approx({"arms": 3 / 6, "legs": 2 / 6})


def test_nothing_hidden_and_nothing_known_are_told_apart():
    target = pose()
    seen = measured(target, target, visible=np.ones((1, NUM_JOINTS), bool))
    assert seen["hidden_hands"] is None and seen["visibility"]["hidden"].keys() == {
        *("joints", "by_joint"),
    }
    unknown = measured(target, target)
    assert {unknown[name] for name in ("visibility", "uncertainty", "hidden_hands")} == {None}


def test_characters_have_intervals_and_what_a_comparison_resamples():
    rng = np.random.default_rng(1)
    target = rng.normal(size=(60, NUM_JOINTS, 3))
    predicted = target + rng.normal(0, 0.05, target.shape)
    poses = evaluated(predicted, target, actions=ACTIONS * 10, characters="abc" * 20)
    results = measure(poses)
    json.dumps(results, allow_nan=False)
    for cell in (results["full"]["All"], results["joints"]["Head"]):
        low, high = cell["mpjpe_interval"]
        assert low < cell["mpjpe"] < high
    for part, column in (("full", 0), ("upper", 1), ("lower", 2)):
        for number, name in enumerate("abc"):
            errors = poses.part_errors["mpjpe"][number::3, column]
            cells = results["characters"][name][part]
            assert cells["All"] == {"mpjpe": pytest.approx(errors.mean()), "frames": 20}
        # "Talking" and "No" are of one group: character b has the one, c the other.
        errors = poses.part_errors["mpjpe"][1::6, column]
        cell = results["characters"]["b"][part]["Talking"]
        assert cell == {"mpjpe": pytest.approx(errors.mean()), "frames": 10}
    assert set(results["characters"]["a"]["full"]) == {"All", "Walking", "Gaming"}


def test_coverage_and_deciles_of_the_uncertainty():
    # In 1024ths of a metre, so that a joint on the very border of its region is there exactly.
    radii = np.arange(1, 161).reshape(10, 16) / 1024
    factors = np.where(np.arange(160) < 40, 1.0, 1.5).reshape(10, 16)
    target = np.zeros((10, NUM_JOINTS, 3))

    def found(radii, factors):
        predicted = target.copy()
        predicted[..., 1] += radii * factors
        return measured(predicted, target, uncertainty=radii.astype(np.float32))["uncertainty"]

    report = found(radii[::-1], factors[::-1])
    assert report["coverage"] == pytest.approx(0.25) and report["monotonic"]
    unit = 1000 / 1024
    first, _, third, *_, last = report["deciles"]
    assert first == pytest.approx({"radius": 8.5 * unit, "error": 8.5 * unit, "coverage": 1.0})
    assert third["coverage"] == pytest.approx(0.5) and len(report["deciles"]) == 10
    assert last == pytest.approx({"radius": 152.5 * unit, "error": 228.75 * unit, "coverage": 0.0})
    assert not found(radii, 1 / radii)["monotonic"]


# ---------------------------------------------------------------- motion


def walk(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true poses (count, 16, 3) that move a few centimetres a frame."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(1, 16, 3)) + rng.normal(0, 0.02, (count, 16, 3)).cumsum(0)
    return target + rng.normal(0, 0.01, target.shape), target


def test_motion_is_that_of_the_formulas_in_whatever_order_the_frames_come():
    predicted, target = walk(30)
    rows = np.random.default_rng(2).permutation(30)
    found = motion(evaluated(predicted[rows], target[rows], rows.tolist()))
    p, t = (1000 * (x - x[:, :1]) for x in (predicted, target))
    ours, true = (x[2:] - 2 * x[1:-1] + x[:-2] for x in (p, t))
    jerk, true_jerk = (x[3:] - 3 * x[2:-1] + 3 * x[1:-2] - x[:-3] for x in (p, t))
    expected = [ours - true, true, jerk, true_jerk]
    names = ("acceleration_error", "acceleration_true", "jitter", "jitter_true")
    assert [found[name] for name in names] == pytest.approx(
        [np.sqrt((x**2).sum(-1)).mean() for x in expected], rel=1e-12
    )
    assert found["windows"] == 28


@pytest.mark.parametrize(
    ("about", "jump", "windows"),
    [
        ({"numbers": [0, 1, 2, 4, 5, 6, 7, 8, 9]}, 0, 1 + 4),
        ({"characters": "aaabbbbbb"}, 0, 1 + 4),
        ({"actions": ["Patting"] * 4 + ["walking"] * 5}, 0, 2 + 3),
        ({}, 0.41, 3 + 2),
        ({}, 0.39, 7),
    ],
)
def test_gaps_other_characters_other_clips_and_cuts_end_a_run(about, jump, windows):
    target = np.zeros((9, 16, 3))
    target[5:, 3:5, 1] += jump
    assert motion(evaluated(target, target, **about))["windows"] == windows


def test_another_place_ends_a_run_and_frames_that_stand_alone_give_no_motion():
    three = evaluated(*walk(3))
    assert motion(three)["windows"] == 1 and motion(three)["jitter"] is None
    three.frame_ids[2] = FrameId("a", "env_002", 2)
    assert motion(three) is None and motion(evaluated(*walk(4), [0, 10, 11, 20])) is None


# ---------------------------------------------------------------- joints that are not labelled


def test_every_metric_is_over_known_joints_alone():
    """Two characters; no frame has a Head or toes, some lack an elbow or a hand: plain loops.
    What is predicted of the unknown does not count."""
    target = 0.02 * walk(8)[1] + PERSON
    predicted = target + np.random.default_rng(3).normal(0, 0.03, target.shape)
    known = np.ones((8, NUM_JOINTS), bool)
    known[:, [1, 11, 15]], known[2:4, 3], known[5, 7] = False, False, False
    visible = known & (np.arange(NUM_JOINTS) != HAND)
    radii = np.linspace(0.01, 0.4, 8 * NUM_JOINTS).reshape(8, NUM_JOINTS)
    labels = np.where(known[..., None], target, np.nan)
    about = {"characters": "aaaaaabb", "visible": visible, "uncertainty": radii}
    found = measure(evaluated(predicted, labels, **about))
    wild = np.where(known[..., None], predicted, 77.0)
    assert found == measure(evaluated(wild, labels, **about))
    json.dumps(found, allow_nan=False)
    assert found["joints_measured"] == [j for j in JOINTS if j not in ("Head", *TOES)]
    errors = 1000 * np.linalg.norm(predicted - predicted[:, :1] - target + target[:, :1], axis=-1)
    rows = [errors[row, known[row]] for row in range(8)]
    whole = found["full"]["All"]
    assert whole["mpjpe"] == pytest.approx(np.mean([row.mean() for row in rows]))
    assert found["characters"]["b"]["full"]["All"] == {
        "mpjpe": pytest.approx(np.mean([row.mean() for row in rows[6:]])),
        "frames": 2,
    }
    assert found["hidden_hands"]["hands"] == 8
    for kind, mask in (("visible", visible), ("hidden", known & ~visible)):
        cell = found["visibility"][kind]
        assert (cell["joints"], cell["mpjpe"]) == (mask.sum(), pytest.approx(errors[mask].mean()))
        for joint, mm, there in zip(JOINTS, errors.T, mask.T, strict=True):
            mean = pytest.approx(mm[there].mean()) if there.any() else None
            assert cell["by_joint"][joint] == {"mpjpe": mean, "frames": there.sum()}
    for joint, mm, there in zip(JOINTS, errors.T, known.T, strict=True):
        mean = pytest.approx(mm[there].mean()) if there.any() else None
        assert found["joints"][joint].get("mpjpe") == mean
    assert found["impossible"]["predicted"] < 1
    shares = [(row[1:] <= 50).mean() for row in rows]
    assert found["pck"]["50"] == pytest.approx(np.mean(shares))
    lengths = {}
    for parent, child in LIMBS:
        both = known[:, parent] & known[:, child]
        made, true = (
            1000 * np.linalg.norm(x[both, child] - x[both, parent], axis=-1)
            for x in (predicted, target)
        )
        lengths[f"{JOINTS[parent]}-{JOINTS[child]}"] = made - true
    bones = found["bones"]["by_bone"]
    assert bones.keys() == {name for name, off in lengths.items() if len(off)} and len(bones) == 11
    for name, cell in bones.items():
        assert cell == pytest.approx(
            {"error": np.abs(lengths[name]).mean(), "bias": lengths[name].mean()}
        )
    sized = predicted.copy()
    for row in range(8):
        ratio = []
        for parent, child in LIMBS[1:11]:
            if known[row, parent] and known[row, child]:
                each = (np.linalg.norm(x[row, child] - x[row, parent]) for x in (predicted, target))
                ratio.append([*each])
        made, true = np.mean(ratio, 0)
        sized[row] *= true / made
    off = 1000 * np.linalg.norm(sized - sized[:, :1] - target + target[:, :1], axis=-1)
    mean = np.mean([off[row, known[row]].mean() for row in range(8)])
    assert found["size_known"]["mpjpe"] == pytest.approx(mean)
    mean = np.mean([cell["error"] for cell in bones.values()])
    assert found["bones"]["error"] == pytest.approx(mean)
    off = 1000 * np.linalg.norm(predicted - target, axis=-1)
    assert found["uncertainty"]["coverage"] == pytest.approx((off <= 1000 * radii)[known].mean())
    p, t = (1000 * (x - x[:, :1]) for x in (predicted, target))
    windows, accelerations = range(1, 5), []  # of a; b has two frames
    for n in windows:
        there = known[n - 1] & known[n] & known[n + 1]
        ours, true = (x[n + 1] - 2 * x[n] + x[n - 1] for x in (p, t))
        accelerations += np.linalg.norm(ours - true, axis=-1)[there].tolist()
    assert found["motion"]["acceleration_error"] == pytest.approx(np.mean(accelerations))
    # A cut is where a known joint jumps.
    labels[3, HAND] += 5.0
    assert measure(evaluated(predicted, labels, **about))["motion"]["windows"] == 1


def test_swaps_and_parts_of_which_nothing_is_known_are_left_out():
    target = np.repeat(PERSON[None], 2, 0)
    predicted = target[:, list(MIRROR)]
    labels = target.copy()
    labels[:, list(LOWER_BODY)], labels[1, 2:] = np.nan, np.nan
    found = measured(predicted, labels)
    assert found["swaps"] == {"arms": 1.0} and found["lower"] == {}
    assert found["upper"]["All"]["frames"] == 2
    assert found["impossible"] == {"predicted": 0.0, "true": 0.0}
    text_summary(found), result_table(found)
