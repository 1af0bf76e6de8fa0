"""The skeleton's tables agree with one another."""

from base.actions import ACTION_GROUPS, action_group
from base.skeleton import (
    HEATMAP_JOINTS,
    JOINTS,
    LEFT_JOINTS,
    LIMBS,
    LOWER_BODY,
    MIRROR,
    RIGHT_JOINTS,
    UPPER_BODY,
)


def test_mirroring_swaps_joints_and_limbs():
    assert [JOINTS[i] for i in range(16) if i not in HEATMAP_JOINTS] == ["Head"]
    for i, partner in enumerate(MIRROR):
        assert MIRROR[partner] == i
        assert JOINTS[partner] == JOINTS[i].replace("Left", "#").replace("Right", "Left").replace(
            "#", "Right"
        )
    assert sorted(MIRROR[i] for i in LEFT_JOINTS) == sorted(RIGHT_JOINTS)
    assert sorted(UPPER_BODY + LOWER_BODY) == list(range(16))
    limbs = {frozenset(limb) for limb in LIMBS}
    assert len(limbs) == 14
    assert {frozenset((MIRROR[a], MIRROR[b])) for a, b in limbs} == limbs


def test_a_clip_belongs_to_one_group_whatever_its_suffix_or_to_none():
    clips = [clip for group in ACTION_GROUPS.values() for clip in group]
    assert len(clips) == len(set(clips))
    assert len(ACTION_GROUPS) == 9
    assert action_group("Boxing_mixamo_com_Skeleton_004") == "Gaming"
    assert action_group("walking") == "Walking"
    assert action_group("Counting__1_") == "Gesticuling"
    assert action_group("Juggling") is None
