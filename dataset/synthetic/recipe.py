"""What decides the content of a synthetic set, and which frames there are.

What a frame shows depends on the seed and on the frame's own place in the set, never on which
worker makes it or on how many there are.
"""

from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from zlib import crc32

import numpy as np

from base.camera import RELEASE_CAMERA
from base.cameras.camera import Camera
from base.set_type import SetType
from dataset.packed.shards import PackOptions
from dataset.synthetic.output.shard_folder import ShardFolder
from dataset.synthetic.output.tree_folder import LABELS_ONLY, PICTURES, TreeFolder

#: Number of the first character of the first set; the release's own stay below.  Each set has a
#: block of numbers of its own in each thousand.
_FIRST_ID, _IDS_PER_SET = 101, 99
_PICTURES_PER_JOB = 20
LABELS_PER_CHARACTER = 50

#: A frame every five seconds: a small set is as varied as can be.
DEFAULT_STRIDE = 150
#: Goes up when the same options make other frames, so that no set is a mixture.
_VERSION = 5


class Purpose(IntEnum):
    """What random numbers are for: the first entry of each spawn key."""

    WHO = 0
    PERSON = 1
    PLACE = 2
    FRAME = 3
    GRAIN = 4
    MOTION = 5


@dataclass(frozen=True)
class Recipe:
    """What decides the content of a set."""

    seed: int  # of all random numbers
    frames_per_character: int = 40  # pictures of one character
    ray_step: int = 1  # 1 casts a ray per pixel; k one for each k×k pixels and enlarges
    # frames of the movement (30 a second) of which one is taken; 1 for a video
    stride: int = DEFAULT_STRIDE
    camera: Camera = RELEASE_CAMERA  # the lens
    # equirectangular pictures to use as places instead of drawn ones
    panoramas: tuple[Path, ...] = ()
    passes: tuple[str, ...] = ()  # further pictures of each frame
    # Mixamo-named BVH files to take the movement from instead of the programs
    clips: tuple[Path, ...] = ()
    actions: tuple[str, ...] = ()  # clips whose programs are performed; all for none

    def described(self) -> dict:
        """What is written down with the set, and has to be the same to go on with it."""
        return {
            "seed": self.seed,
            "frames_per_character": self.frames_per_character,
            "ray_step": self.ray_step,
            "stride": self.stride,
            "camera": {"kind": type(self.camera).__name__, **asdict(self.camera)},
            "panoramas": [path.name for path in self.panoramas],
            "passes": list(self.passes),
            "bvh": {path.name: crc32(path.read_bytes()) for path in self.clips} or None,
            "actions": list(self.actions) or None,
            "version": _VERSION,
        }

    def random(self, *key: int) -> np.random.Generator:
        """The random numbers of one purpose."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


@dataclass(frozen=True)
class Job:
    """Consecutive frames of one character in one environment."""

    folder: TreeFolder | ShardFolder  # where they go
    person: int  # number of the character within its set, from 0
    # start, count: places in the environment of the frames whose poses are drawn together
    start: int
    count: int
    # places of the frames to write; a frame's number is its place times the stride
    wanted: tuple[int, ...]


def build_of(recipe: Recipe, split: int, person: int) -> tuple[bool, bool, bool]:
    """(male, full, short) of a character of the split with this number."""
    rng = recipe.random(Purpose.WHO, split, person)
    return bool(rng.random() < 0.5), bool(rng.random() < 0.4), bool(rng.random() < 0.3)


def character_name(recipe: Recipe, split: int, person: int) -> str:
    """Name of a character in the release's manner, such as ``female_101_a_s``."""
    male, full, short = build_of(recipe, split, person)
    block, place = divmod(person, _IDS_PER_SET)
    number = _FIRST_ID + 100 * split + place + 1000 * block
    return f"{'male' if male else 'female'}_{number:03d}_{'af'[full]}_{'as'[short]}"


def plan(
    root: Path,
    recipe: Recipe,
    counts: dict[SetType, int],
    label_frames: int,
    pack: PackOptions | None = None,
) -> list[Job]:
    """All jobs of a set, pictures first.

    Args:
        root: the set's folder.
        recipe: what decides the content.
        counts: pictures of each split.
        label_frames: training frames with labels only.
        pack: how to pack the frames, None for a tree.
    """
    per = recipe.frames_per_character
    blocks = [(split, PICTURES, total, per, _PICTURES_PER_JOB) for split, total in counts.items()]
    labels = LABELS_PER_CHARACTER
    blocks.append((SetType.TRAIN, LABELS_ONLY, label_frames, labels, labels))
    jobs = []
    for set_type, environment, total, per, per_job in blocks:
        for person in range(-(-total // per)):
            name = character_name(recipe, list(SetType).index(set_type), person)
            where = root, set_type, name, environment
            folder = ShardFolder(*where, pack) if pack else TreeFolder(*where, recipe.passes)
            last = min(per, total - person * per)
            for start in range(0, last, per_job):
                drawn = min(per_job, per - start)
                wanted = tuple(range(start, min(start + drawn, last)))
                jobs.append(Job(folder, person, start, drawn, wanted))
    return jobs
