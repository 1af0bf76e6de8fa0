"""A small copy of UnrealEgo."""

import json

import numpy as np
from other_sets import common

from base.headset_files import PROFILES

_W2C = "541.084422 133.996745 -53.833198 60.96083 -24.78051 12.451492 -30.240511 26.90122 116.38499"
_W2C += " -133.991117 -141.904687 184.05592 107.45616 -125.552875 -55.66342 44.209519 18.234651"
LENS = common.scaramuzza(511.118339, 510.873011, _W2C + " -6.410899 -2.737066")
#: Names of the set's joints by ours: the 16 in its order, then some of the others of its files.
_LIMBS = {"Arm": "upperarm", "ForeArm": "lowerarm", "Hand": "hand", "UpLeg": "thigh"}
_LIMBS |= {"Leg": "calf", "Foot": "foot", "ToeBase": "ball"}
_SIDES = ("Left", "l"), ("Right", "r")
ORDER = {"Head": "head", "Neck": "neck_01"}
ORDER |= {side + ours: f"{name}_{s}" for ours, name in _LIMBS.items() for side, s in _SIDES}
OTHERS = {"Hips": "pelvis", "Spine": "spine_01", "LeftShoulder": "clavicle_l"}
OTHERS["RightShoulder"] = "clavicle_r"


def render_unreal_ego(count=6, per_person=2):
    """Pairs of the left and the right camera."""
    files = [(PROFILES / f"unrealego_{eye}.yml").read_text() for eye in ("left", "right")]
    return common.render_rig(files, count, per_person)


def _label(pair, swapped):
    joints, ground = {}, 12.5
    (x, _, z), *_ = np.diff(pair[0].points(["LeftUpLeg", "RightUpLeg"]), axis=0)
    for ours, name in (ORDER | OTHERS).items():
        east, up, north = 100 * common.moved(pair[0].world, pair[0].points([ours]))[0]
        joint = {"trans": [east, north, up + ground]}  # left-handed, z up
        joint["rot"] = [0.0, float(np.degrees(np.arctan2(z, x))), 0.0]
        for eye, frame in zip(("left", "right"), pair, strict=True):
            (point,) = frame.points([ours])
            joint[f"camera_{eye}_pts3d"] = (100 * point).tolist()
            joint[f"camera_{eye}_pts2d"] = LENS.project(point).tolist()
        other = {"_l": "_r", "_r": "_l"}.get(name[-2:]) if swapped else None
        joints[name[:-2] + other if other else name] = joint
    return json.dumps({"ground_z_value": ground, "joints": joints})


def write_unreal_ego(folder, rendered, prefix="", swapped=False, half=False, truncated=False):
    """A motion a person; frame numbers begin with 9.  prefix: of the lists' lines, as
    "./UnrealEgoData/"; swapped: left and right names of the json; half: the first motion lacks its
    pictures from the second frame on; truncated: its first of the right camera."""
    lists = {"train": "", "validation": "", "test": ""}
    for place, split, pairs in common.by_person(rendered):
        where = ("ArchVizInterior/Day", "Kitchen/Night", "Forest/Day")[place % 3]
        human = f"{where}/{pairs[0][0].character}/SKM_MenReadingGlasses_Shape_01"
        motion = f"{human}/{16 + place:03d}/digging_{place}"
        lists[split] += f"{prefix}{motion}\n"
        (folder / motion / "json").mkdir(parents=True)
        for n, pair in enumerate(pairs, 9):
            (folder / motion / f"json/frame_{n}.json").write_text(_label(pair, swapped))
            for eye, frame in zip(("left", "right"), pair, strict=True):
                if not (half and place == 0 and n > 9):
                    where = f"fisheye_final_image/camera_{eye}/final_{n}.png"
                    common.write_picture(folder / motion / where, frame.picture)
        if truncated and place == 0:
            common.spoil(folder / motion / "fisheye_final_image/camera_right/final_9.png")
    for split, lines in lists.items():
        (folder / f"{split}.txt").write_text(lines)
