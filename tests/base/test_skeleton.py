"""The skeleton's tables agree with one another."""

from base.actions import ACTION_GROUPS, action_group
from base.skeleton import HEATMAP_JOINTS, JOINTS, LIMBS, LOWER_BODY, MIRROR, UPPER_BODY


def test_mirroring_swaps_joints_and_limbs():
    assert [JOINTS[i] for i in range(16) if i not in HEATMAP_JOINTS] == ["Head"]
    swapped = [name.replace("Left", "#").replace("Right", "Left") for name in JOINTS]
    assert [JOINTS[i] for i in MIRROR] == [name.replace("#", "Right") for name in swapped]
    assert sorted(UPPER_BODY + LOWER_BODY) == list(range(16))
    limbs = {frozenset(limb) for limb in LIMBS}
    assert len(limbs) == 14
    assert {frozenset((MIRROR[a], MIRROR[b])) for a, b in limbs} == limbs


def test_a_clip_belongs_to_one_group_whatever_its_suffix_or_to_none():
    clips = [clip for group in ACTION_GROUPS.values() for clip in group]
    assert len(clips) == len(set(clips)) and len(ACTION_GROUPS) == 9
    assert action_group("Boxing_mixamo_com_Skeleton_004") == "Gaming"
    assert action_group("Counting__1_") == "Gesticuling"
    assert action_group("Juggling") is None
