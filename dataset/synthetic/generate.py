"""Making a whole set: which frames there are, and the workers that make them.

What a frame shows depends on the seed and on the frame's own place in the set, never on which
worker makes it or on how many there are.
"""

import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from zlib import crc32

import numpy as np
from tqdm import tqdm

from base.camera import RELEASE_CAMERA
from base.camera_model import AnyCamera
from base.errors import UserError
from base.set_type import SetType
from dataset.shards import PackOptions
from dataset.synthetic.pack import PackedFolder, put_together, take_apart
from dataset.synthetic.write import LABELS_ONLY, PICTURES, Folder, prepare_output

#: First number of the characters of each set; the release's own stay below 101.
_FIRST_ID = {SetType.TRAIN: 101, SetType.VAL: 201, SetType.TEST: 301}
_IDS_PER_SET = 99

_PICTURES_PER_JOB = 20
_LABELS_PER_CHARACTER = 50

#: A frame every five seconds: a small set is as varied as can be.
DEFAULT_STRIDE = 150
#: Below this many frames apart, whole clips are looked at for limbs that go through the body.
_WATCHED_STRIDE = 30
#: Goes up when the same options make other frames, so that no set is a mixture.
_VERSION = 3
_MAX_NUMBER = 999_999
#: A folder that is there while a part puts the index of a packed set together.
_ASSEMBLING = ".assembling"

# Purposes of random numbers, the first entry of each spawn key.
_WHO, _PERSON, _PLACE, _FRAME, _GRAIN, _MOTION = range(6)
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Recipe:
    """What decides the content of a set.

    Attributes:
        seed: of all random numbers.
        frames_per_character: pictures of one character.
        ray_step: 1 casts a ray per pixel; k one for each k×k pixels and enlarges.
        stride: frames of the movement (30 a second) of which one is taken; 1 for a video.
        camera: the lens.
        panoramas: equirectangular pictures to use as places instead of drawn ones.
        passes: further pictures of each frame.
        clips: Mixamo-named BVH files to take the movement from instead of the programs.
    """

    seed: int
    frames_per_character: int = 40
    ray_step: int = 1
    stride: int = DEFAULT_STRIDE
    camera: AnyCamera = RELEASE_CAMERA
    panoramas: tuple[Path, ...] = ()
    passes: tuple[str, ...] = ()
    clips: tuple[Path, ...] = ()

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
            "version": _VERSION,
        }

    def random(self, *key: int) -> np.random.Generator:
        """The random numbers of one purpose."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


@dataclass(frozen=True)
class Job:
    """Consecutive frames of one character in one environment.

    Attributes:
        folder: where they go.
        person: number of the character within its set, from 0.
        start, count: places in the environment of the frames whose poses are drawn together.
        wanted: places of the frames to write; a frame's number is its place times the stride.
    """

    folder: Folder | PackedFolder
    person: int
    start: int
    count: int
    wanted: tuple[int, ...]


def _who(recipe: Recipe, set_type: SetType, person: int) -> tuple[bool, bool, bool]:
    """(male, full, short) of a character."""
    rng = recipe.random(_WHO, list(SetType).index(set_type), person)
    return bool(rng.random() < 0.5), bool(rng.random() < 0.4), bool(rng.random() < 0.3)


def character_name(recipe: Recipe, set_type: SetType, person: int) -> str:
    """Name of a character in the release's manner, such as ``female_101_a_s``."""
    male, full, short = _who(recipe, set_type, person)
    block, place = divmod(person, _IDS_PER_SET)
    number = _FIRST_ID[set_type] + place + 1000 * block
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

    def folder_of(set_type: SetType, name: str, environment: str) -> Folder | PackedFolder:
        if pack is not None:
            return PackedFolder(root, set_type, name, environment, pack)
        return Folder(root, set_type, name, environment, recipe.passes)

    jobs = []
    for set_type, total in counts.items():
        per = recipe.frames_per_character
        for first in range(0, total, per):
            person = first // per
            name = character_name(recipe, set_type, person)
            folder = folder_of(set_type, name, PICTURES)
            last = min(per, total - first)
            for start in range(0, last, _PICTURES_PER_JOB):
                drawn = min(_PICTURES_PER_JOB, per - start)
                wanted = tuple(range(start, min(start + drawn, last)))
                jobs.append(Job(folder, person, start, drawn, wanted))
    for first in range(0, label_frames, _LABELS_PER_CHARACTER):
        person = first // _LABELS_PER_CHARACTER
        name = character_name(recipe, SetType.TRAIN, person)
        folder = folder_of(SetType.TRAIN, name, LABELS_ONLY)
        last = min(_LABELS_PER_CHARACTER, label_frames - first)
        jobs.append(Job(folder, person, 0, _LABELS_PER_CHARACTER, tuple(range(last))))
    return jobs


@lru_cache(maxsize=2)
def _person(recipe: Recipe, set_type: SetType, person: int):
    """Poser and headset of a character."""
    from dataset.synthetic.body import make_body
    from dataset.synthetic.posing import Poser
    from dataset.synthetic.rig import mount

    rng = recipe.random(_PERSON, list(SetType).index(set_type), person)
    body = make_body(*_who(recipe, set_type, person), rng)
    return Poser(body), mount(body, rng)


@lru_cache(maxsize=2)
def _timeline(recipe: Recipe, set_type: SetType, person: int, environment: int):
    from dataset.synthetic.clips import ClipTimeline
    from dataset.synthetic.timeline import Timeline

    poser, rig = _person(recipe, set_type, person)
    key = _MOTION, list(SetType).index(set_type), person, environment

    def random(*more: int) -> np.random.Generator:
        return recipe.random(*key, *more)

    if recipe.clips:
        return ClipTimeline(poser, random, recipe.clips)
    return Timeline(poser, random, rig.offset, recipe.stride < _WATCHED_STRIDE)


@lru_cache(maxsize=1)
def _renderer(recipe: Recipe, set_type: SetType, person: int):
    from dataset.synthetic.render import Renderer, draw_look
    from dataset.synthetic.scene import make_place
    from dataset.synthetic.wardrobe import dress

    body = _person(recipe, set_type, person)[0].body
    rng = recipe.random(_PLACE, list(SetType).index(set_type), person)
    outfit = dress(body, rng)
    panoramas = recipe.panoramas
    panorama = panoramas[rng.integers(len(panoramas))] if panoramas else None
    place, look = make_place(rng, panorama), draw_look(rng)
    return Renderer(outfit, place, look, recipe.ray_step, recipe.camera)


def run_job(recipe: Recipe, job: Job) -> int:
    """Make and write the frames of a job; returns how many."""
    from dataset.synthetic.labels import encode_label
    from dataset.synthetic.landmarks import release_joints
    from dataset.synthetic.sampling import draw_frames, occluded, seat_of

    set_type = job.folder.set_type
    split = list(SetType).index(set_type)
    environment = int(job.folder.environment.removeprefix("env_"))
    poser, rig = _person(recipe, set_type, job.person)
    body = poser.body
    # All poses of a job are drawn even where only some are wanted, so that a frame comes out the
    # same to the last bit in a longer set and when a set is resumed.
    places = range(job.start, job.start + job.count)
    draws = [recipe.random(_FRAME, split, job.person, environment, n) for n in places]
    timeline = _timeline(recipe, set_type, job.person, environment)
    starts = [n * recipe.stride for n in places]
    frames = draw_frames(poser, rig, timeline, starts, recipe.stride, draws)
    names = body.rig.names
    phenotype = {name: round(float(value), 4) for name, value in body.phenotype.items()}
    more = {"phenotype": phenotype, "seed": recipe.seed}
    job.folder.create()
    for place in job.wanted:
        row, number = place - job.start, place * recipe.stride
        joints, turns = frames.joints[row], frames.turns[row]
        trans, rot = frames.trans[row], frames.rot[row]
        named = release_joints(body, joints, turns)
        image = hidden = None
        passes = {}
        if environment == 1:
            renderer = _renderer(recipe, set_type, job.person)
            skin = body.skin(joints, turns, renderer.outfit.vertices, renderer.outfit.weights)
            grain = recipe.random(_GRAIN, split, job.person, environment, place)
            seat = seat_of(frames, row)
            drawing = renderer.draw(skin, trans, rot, seat, named, grain, recipe.passes)
            image, passes = drawing.image, drawing.passes
            hidden = occluded(drawing.lead, body)
        label = encode_label(
            frames.actions[row], names, named, turns, trans, rot, hidden, recipe.camera, more
        )
        job.folder.write(number, label, image, passes)
    return len(job.wanted)


def _start_worker() -> None:
    """One thread each; Ctrl-C is the parent's to handle; no worker outlives the parent."""
    import cv2
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    def follow_parent() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()


def pack_options(size: int, stride: int) -> PackOptions:
    """How a set is packed: shards of up to 1000 frames, whose numbers are ``stride`` apart."""
    return PackOptions(size, frames_per_shard=1000 * max(stride, 1))


def _share(jobs: list[Job], part: tuple[int, int]) -> list[Job]:
    """The jobs of one part.  A character in an environment goes into shards as a whole."""
    if not jobs or isinstance(jobs[0].folder, Folder):
        return jobs[part[0] - 1 :: part[1]]
    folders = list(dict.fromkeys(job.folder for job in jobs))
    mine = set(folders[part[0] - 1 :: part[1]])
    return [job for job in jobs if job.folder in mine]


def _still_to_do(job: Job, stride: int) -> Job | None:
    """The job less the frames that are there; None where they all are."""
    missing = job.folder.missing(n * stride for n in job.wanted)
    wanted = tuple(n for n in job.wanted if n * stride in missing)
    return replace(job, wanted=wanted) if wanted else None


def _finish(folder: PackedFolder) -> int:
    folder.finish()
    return 0


def _run_all(
    recipe: Recipe, jobs: list[Job], waiting_folders: list[PackedFolder], workers: int
) -> Iterator[int]:
    """Run jobs in worker processes, and put what waits into shards as soon as it is complete.

    Yields the number of frames of each job as it ends.
    """
    open_jobs = Counter(job.folder for job in jobs)
    todo: deque[tuple[Callable, tuple]] = deque()
    todo.extend((_finish, (folder,)) for folder in waiting_folders if not open_jobs[folder])
    todo.extend((run_job, (recipe, job)) for job in jobs)
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    pool = ProcessPoolExecutor(
        min(workers, len(todo)), mp_context=get_context("spawn"), initializer=_start_worker
    )
    running: dict[Future, tuple] = {}
    try:
        while todo or running:
            # Few at a time, so that shards are written on the way and not all of them at the end.
            while todo and len(running) < 2 * workers:
                function, arguments = todo.popleft()
                running[pool.submit(function, *arguments)] = arguments
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                last = running.pop(done)[-1]
                yield done.result()
                if isinstance(last, Job) and isinstance(last.folder, PackedFolder):
                    open_jobs[last.folder] -= 1
                    if not open_jobs[last.folder]:
                        todo.appendleft((_finish, (last.folder,)))
    except BrokenProcessPool:
        raise UserError(
            "a worker process was ended from outside, most likely for lack of memory: go on with "
            "--resume and fewer --workers"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def generate(
    root: Path,
    recipe: Recipe,
    counts: dict[SetType, int],
    label_frames: int = 0,
    workers: int = 2,
    resume: bool = False,
    overwrite: bool = False,
    part: tuple[int, int] = (1, 1),
    progress: bool = True,
    pack: PackOptions | None = None,
) -> int:
    """Make a synthetic set in the release's layout, or in shards.

    Args:
        root: folder of the set.
        recipe: what decides the content of its frames.
        counts: frames with pictures of each split.
        label_frames: further training frames with labels only.
        workers: processes.
        resume: keep the complete frames of a set made with the same recipe and add the others.
        overwrite: delete a synthetic set that is there.
        part: (i, n) to make the i-th of n parts, each of which may run on another machine; all of
            them together give the files of a single run.
        progress: show a progress bar.
        pack: write shards packed like this instead of a tree.

    Returns:
        The number of frames written.

    Raises:
        UserError: for counts, options or a folder that cannot be used.
    """
    sizes = [*counts.values(), label_frames]
    if min(sizes) < 0:
        raise UserError("--train, --val, --test and --label_frames cannot be negative")
    if max(sizes) == 0:
        raise UserError("nothing to make: give at least one of --train, --val, --test")
    if recipe.frames_per_character < 1 or workers < 1:
        raise UserError("--frames_per_character and --workers must be at least 1")
    if recipe.stride < 1:
        raise UserError("--stride must be at least 1")
    if max(recipe.frames_per_character, _LABELS_PER_CHARACTER) * recipe.stride > _MAX_NUMBER:
        raise UserError(
            "--frames_per_character times --stride must stay below a million: frame numbers have "
            "six digits"
        )
    if pack is not None:
        _check_packing(recipe, pack)
    if recipe.seed < 0:
        raise UserError("--seed cannot be negative")
    if resume and overwrite:
        raise UserError("--resume and --overwrite exclude each other")
    root = Path(root)
    if not 1 <= part[0] <= part[1]:
        raise UserError(f"--part {part[0]}/{part[1]}: the first is 1/{part[1]}, the last the n-th")
    if overwrite and part[1] > 1:
        raise UserError(
            "--overwrite would delete what the other parts wrote: empty the folder once"
        )
    # Every part but the first finds the folder filled.
    resume = resume or part[1] > 1
    prepare_output(root, recipe.described(), resume, overwrite, pack)

    everything = plan(root, recipe, counts, label_frames, pack)
    jobs = _share(everything, part)
    total = sum(len(job.wanted) for job in jobs)
    waiting = []
    if resume:
        folders = dict.fromkeys(job.folder for job in jobs)
        waiting = [f for f in folders if isinstance(f, PackedFolder) and f.waiting()]
        jobs = [left for job in jobs if (left := _still_to_do(job, recipe.stride))]
    missing = sum(len(job.wanted) for job in jobs)
    try:
        if jobs or waiting:
            if pack is not None:
                take_apart(root)
            _prepare_body_model(progress)
            with tqdm(
                total=total,
                initial=total - missing,
                unit="frame",
                desc=str(root),
                disable=not progress,
            ) as bar:
                for made in _run_all(recipe, jobs, waiting, workers):
                    bar.update(made)
        if pack is not None:
            _complete_shards(root, pack, everything, recipe.stride, part)
    except OSError as error:
        raise UserError(f"cannot write to {root}: {error.strerror}") from None
    return missing


def _check_packing(recipe: Recipe, pack: PackOptions) -> None:
    camera = recipe.camera
    if recipe.passes:
        raise UserError(
            "--pack and --passes exclude each other: shards hold pictures and labels only"
        )
    if not 32 <= pack.size <= 800:
        raise UserError("--pack_size must lie between 32 and 800")
    if (camera.width, camera.height) != (RELEASE_CAMERA.width, RELEASE_CAMERA.height):
        raise UserError(
            f"--pack takes the centre of pictures of {RELEASE_CAMERA.width}x"
            f"{RELEASE_CAMERA.height}, and --camera has {camera.width}x{camera.height}: leave "
            "--pack out"
        )


def _complete_shards(
    root: Path, pack: PackOptions, everything: list[Job], stride: int, part: tuple[int, int]
) -> None:
    """Put the indices together, in a part only where all the other parts are done."""
    if part[1] == 1:
        put_together(root, pack)
        if (root / _ASSEMBLING).is_dir():  # left by a part that was killed
            (root / _ASSEMBLING).rmdir()
        return
    wanted: dict[PackedFolder, list[int]] = {}
    for job in everything:
        wanted.setdefault(job.folder, []).extend(n * stride for n in job.wanted)
    if any(folder.waiting() or folder.missing(numbers) for folder, numbers in wanted.items()):
        print(
            f"part {part[0]}/{part[1]} is complete; the part that ends last puts the index "
            "together, and so does the same command with --resume and without --part"
        )
        return
    # Two parts may find this at the same moment: one of them is enough.
    lock = root / _ASSEMBLING
    try:
        lock.mkdir()
    except FileExistsError:
        print(
            f"{lock} is there: another part puts the index together; if none is running, run the "
            "same command with --resume and without --part"
        )
        return
    try:
        put_together(root, pack)
    finally:
        lock.rmdir()


def _prepare_body_model(progress: bool) -> None:
    """Load the model once here: the first load of a machine fills a cache the workers then use."""
    from dataset.synthetic.body import load_rig

    if progress:
        print("preparing the body model, about a minute the first time", flush=True)
    load_rig()
