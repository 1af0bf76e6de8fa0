"""Making a whole set: the workers that make its frames."""

import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context, parent_process
from pathlib import Path

from tqdm import tqdm

from base.camera import RELEASE_CAMERA
from base.errors import UserError
from base.set_type import SetType
from dataset.packed.shards import PackOptions
from dataset.synthetic.job import run_job
from dataset.synthetic.output.shard_folder import PackedFolder, put_together, take_apart
from dataset.synthetic.output.tree_folder import Folder, prepare_output
from dataset.synthetic.recipe import LABELS_PER_CHARACTER, Job, Recipe, plan

#: A folder that is there while a part puts the index of a packed set together.
_ASSEMBLING = ".assembling"
_MAX_NUMBER = 999_999
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


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
    if max(recipe.frames_per_character, LABELS_PER_CHARACTER) * recipe.stride > _MAX_NUMBER:
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
    from dataset.synthetic.body.body_model import load_rig

    if progress:
        print("preparing the body model, about a minute the first time", flush=True)
    load_rig()
