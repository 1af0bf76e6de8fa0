"""What decides the content of a synthetic set, and which frames there are.  What a frame shows
depends on the seed and its own place in the set, never on which worker makes it."""

from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from zlib import crc32

import numpy as np

from base.headset import RELEASE_HEADSET, Headset
from base.set_type import SetType
from dataset.packed.options import PackOptions
from dataset.synthetic import DEFAULT_STRIDE
from dataset.synthetic.output import LABELS_ONLY, Folder

_PICTURES_PER_JOB, LABELS_PER_CHARACTER = 20, 50

#: Goes up when the same options make other frames, so that no set is a mixture.
_VERSION = 5

#: Frames of each split and environment.
Counts = dict[tuple[SetType, str], int]

#: What random numbers are for: the first entry of each spawn key.
Purpose = IntEnum("Purpose", "WHO PERSON PLACE FRAME GRAIN MOTION HEADSET CLUTTER LIGHT", start=0)


@dataclass(frozen=True)
class Recipe:
    seed: int  # of all random numbers
    frames_per_character: int = 40  # pictures of one character
    ray_step: int = 1  # 1 casts a ray per pixel; k one for each k×k pixels and enlarges
    # frames of the movement (30 a second) of which one is used; 1 for a video
    stride: int = DEFAULT_STRIDE
    # the characters take turns with them; None is one of :mod:`any_headset`, another each time
    headsets: tuple[Headset | None, ...] = (RELEASE_HEADSET,)
    passes: tuple[str, ...] = ()  # further pictures of each frame
    clips: tuple[Path, ...] = ()  # Mixamo-named BVH files to use instead of the programs
    actions: tuple[str, ...] = ()  # clips whose programs are performed; all for none
    clutter: bool = False  # whether things lie on the floor, and people often just stand
    bvh_share: float = 1.0  # of the characters, who use the clips where there are any

    def described(self) -> dict:
        """What is written down with the set, and has to be the same to go on with it."""
        headsets = {"headset": [each.as_dict() if each else "any" for each in self.headsets]}
        if self.headsets == (RELEASE_HEADSET,):  # as it was before there were others
            headsets = {"camera": {"kind": "FisheyeCamera", **asdict(RELEASE_HEADSET.camera)}}
        plain = "seed", "frames_per_character", "ray_step", "stride"
        return {name: getattr(self, name) for name in plain} | {
            **headsets,
            "passes": list(self.passes),
            "bvh": {path.name: crc32(path.read_bytes()) for path in self.clips} or None,
            "bvh_share": self.bvh_share if self.bvh_share < 1 else None,
            "actions": list(self.actions) or None,
            "clutter": 3 if self.clutter else None,  # 2 without furniture, True without photographs
            "version": _VERSION,
        }

    def random(self, *key: int) -> np.random.Generator:
        """The random numbers of one purpose."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


@dataclass(frozen=True)
class Job:
    """Consecutive frames of one character in one environment."""

    folder: Folder  # where they go
    person: int  # number of the character within its set, from 0
    drawn: range  # places in the environment of the frames whose poses are drawn together
    wanted: tuple[int, ...]  # those to write; a frame's number is its place times the stride


def build_of(recipe: Recipe, split: int, person: int) -> tuple[bool, bool, bool]:
    """(male, full, short) of a character of the split with this number."""
    rng = recipe.random(Purpose.WHO, split, person)
    return tuple(bool(rng.random() < share) for share in (0.5, 0.4, 0.3))


def character_name(recipe: Recipe, split: int, person: int) -> str:
    """Name in the release's manner, such as ``female_101_a_s``: numbers above the release's own, of
    which each split has a block of 99 in each thousand."""
    male, full, short = build_of(recipe, split, person)
    block, place = divmod(person, 99)
    number = 101 + 100 * split + place + 1000 * block
    return f"{'male' if male else 'female'}_{number:03d}_{'af'[full]}_{'as'[short]}"


def plan(root: Path, recipe: Recipe, counts: Counts, pack: PackOptions | None) -> list[Job]:
    """All jobs of a set, in the order of ``counts``."""
    jobs = []
    for (set_type, environment), total in counts.items():
        per, per_job = recipe.frames_per_character, _PICTURES_PER_JOB
        if environment == LABELS_ONLY:
            per = per_job = LABELS_PER_CHARACTER
        for person in range(-(-total // per)):
            name = character_name(recipe, list(SetType).index(set_type), person)
            folder = Folder(root, set_type, name, environment, recipe.passes, pack)
            last = min(per, total - person * per)
            for start in range(0, last, per_job):
                drawn = range(start, min(start + per_job, per))
                jobs.append(Job(folder, person, drawn, tuple(n for n in drawn if n < last)))
    return jobs
