"""Action groups of the official evaluation, and the rule that maps a clip's name to its group."""

import re

#: Group → the clip names it holds.  The spelling is the official evaluator's ("Gesticuling").
ACTION_GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(clips.split())
    for group, clips in {
        "Gesticuling": """Opening_A_Lid Standing_Arguing Two_Hand_Spell_Casting Angry_Gesture
            Waving_Gesture Taunt_Gesture Taking_Punch Happy_Hand_Gesture Pointing Crazy_Gesture
            Arm_Gesture Fist_Pump Hand_Raising Counting__1_""",
        "Reacting": """Rifle_Punch Rejected Angry_Point Dismissing_Gesture Strong_Gesture
            Pointing_Gesture Loser Beckoning Pain_Gesture Terrified Surprised Clapping Rallying""",
        "Greeting": """Shaking_Hands_2 Hands_Forward_Gesture Shake_Fist Standing_Greeting
            Quick_Formal_Bow""",
        "Talking": """Standing_Arguing__1_ Happy Plotting No Agreeing Talking Reaching_Out
            Insult""",
        "UpperStretching": """Counting Standing_2H_Cast_Spell_01 Standing_Thumbs_Up
            Standing_1H_Magic_Attack_01 Thinking Tpose_Take_001 upper_stretching""",
        "Gaming": """Dribble Boxing Shooting_Gun Baseball_Umpire Golf_Putt_Failure Revealing_Dice
            Golf_Putt_Failure__1_ Golf_Putt_Victory Golf_Putt_Victory__1_ Charge""",
        "LowerStretching": "Sitting_Thumbs_Up Sitting_Disapproval lower_stretching",
        "Patting": "Patting Petting Petting_Animal",
        "Walking": "anim_Clip1 Weight_Shift_Gesture walking",
    }.items()
}
_GROUP_OF_CLIP = {clip: group for group, clips in ACTION_GROUPS.items() for clip in clips}


def action_group(action: str) -> str | None:
    """Group of a frame's ``action`` label, or None for an unknown clip (it counts in All only).

    A suffix matching ``_mixamo_com.*`` is stripped first, as the official evaluator does.
    """
    return _GROUP_OF_CLIP.get(re.sub(r"_mixamo_com.*", "", action))
