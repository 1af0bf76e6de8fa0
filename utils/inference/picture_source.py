"""From what ``--input`` names to the source of frames; pictures of folders and of patterns."""

import contextlib
import glob
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, count, groupby
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError, UserError
from dataset.pictures import PICTURE_SUFFIXES, kind_of, natural_order, read_picture
from utils.inference.source import PICTURE_BYTES, LazyFrame, Source, name_text, plain_name
from utils.inference.video import open_camera, open_video

#: A file in a folder of drawings, which are not searched for poses.
DRAWINGS_MARK = ".drawings"
#: Folders in which a Synology disk and macOS keep notes about pictures.
_NOTES = frozenset({"@eaDir", "__MACOSX"})


class PictureSource(Source):
    """Pictures on disk, in natural order; ``root`` is the folder that names are relative to.  Of
    ``ranks`` processes each gets its share, in order."""

    def __init__(
        self,
        paths: list[Path],
        root: Path,
        name: str,
        rank: int = 0,
        ranks: int = 1,
        left_out: Sequence[dict[str, str]] = (),
    ) -> None:
        self.paths, self.root, self.name, self.left_out = paths, root, name, left_out
        # A link is read elsewhere than in its folder.
        self.reads = {path if path.is_symlink() else path.parent for path in paths}
        self._share = range(rank * len(paths) // ranks, (rank + 1) * len(paths) // ranks)
        self.total = len(self._share)
        self.nested = any(path.parent != root for path in paths)
        self._sequences: dict[str, list[Path]] = {}
        names: set[str] = set()
        for parent, pictures in groupby(paths, lambda path: path.parent):
            folder = plain_name(parent.relative_to(root).as_posix())
            self._sequences["" if folder == "." else _unique(folder, names)] = [*pictures]

    def __iter__(self) -> Iterator[LazyFrame]:
        names: set[str] = set()
        rows = count()
        # Every process names all pictures, so that no two names collide.
        for sequence, pictures in self._sequences.items():
            for index, path in enumerate(pictures):
                name = _unique(f"{sequence}/{plain_name(path.stem)}".lstrip("/"), names)
                if next(rows) in self._share:
                    file = name_text(path.relative_to(self.root).as_posix())
                    read = partial(_read, path)
                    yield LazyFrame(file, name, read, index=index, sequence=sequence)

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        pictures: list[np.ndarray] = []
        paths = self.paths if sequence is None else self._sequences[sequence]
        count = min(count, len(paths))
        for path in (paths[k * len(paths) // count] for k in range(count)):
            # What is broken is reported when its turn comes.
            with contextlib.suppress(BrokenFrameError):
                pictures.append(_read(path))
            if len(pictures) > 2 and sum(picture.nbytes for picture in pictures) > PICTURE_BYTES:
                break
        return pictures


def _unique(stem: str, used: set[str]) -> str:
    """The stem, numbered if an earlier picture has it already, upper and lower case alike."""
    names = chain([stem], (f"{stem}_{k}" for k in count(2)))
    name = next(name for name in names if name.lower() not in used)
    used.add(name.lower())
    return name


def _read(path: Path) -> np.ndarray:
    try:
        return read_picture(path)
    except BrokenFrameError as error:
        raise BrokenFrameError(str(error.args[0]).removeprefix(f"{path}: ")) from None


def walk_files(root: Path, recursive: bool) -> tuple[list[Path], list[dict[str, str]]]:
    """The files in a folder and, ``recursive``, in all below, and the folders left out, each with
    "file" and "reason". Links to folders are followed after everything else, and each folder is
    visited once. Hidden folders and those of :data:`_NOTES` are skipped silently."""
    found, left_out, visited = [], [], set()

    def leave(folder: str | Path, reason: str) -> None:
        left_out.append({"file": name_text(os.path.relpath(folder, root)), "reason": reason})

    def unreadable(error: OSError) -> None:
        leave(error.filename, f"cannot be read ({error.strerror})")

    waiting = deque([root])
    while waiting:
        for name, folders, files in os.walk(waiting.popleft(), onerror=unreadable):
            parent, status = Path(name), Path(name).stat()
            if (status.st_dev, status.st_ino) in visited:
                leave(parent, "a link to a folder that is searched already")
                folders.clear()
                continue
            visited.add((status.st_dev, status.st_ino))
            found += [parent / file for file in files]
            if not recursive:
                return found, left_out
            kept = [name for name in folders if name[0] != "." and name not in _NOTES]
            # Unlike Path.exists, no error in a folder that may not be read.
            drawn = [name for name in kept if os.path.exists(parent / name / DRAWINGS_MARK)]  # noqa: PTH110
            for name in drawn:
                leave(parent / name, "drawings of an earlier run")
                kept.remove(name)
            folders[:] = sorted(kept)
            waiting += [parent / name for name in folders if (parent / name).is_symlink()]
    return found, left_out


def open_source(given: str, recursive: bool = False, rank: int = 0, ranks: int = 1) -> Source:
    """The source of what ``--input`` names, ``recursive`` with the folders below; its share for
    ``rank`` of ``ranks`` processes. UserError where there is none, or it cannot be shared."""
    path = Path(given)
    device = os.path.realpath(given) if given.startswith("/dev/") else given
    camera = re.fullmatch("(?:/dev/video)?([0-9]{1,4})", device)
    address = re.match("(https?|rtsps?)://", given)
    if path.is_dir():
        files, left_out = walk_files(path, recursive)
    elif ranks > 1 and (camera or address or path.is_file()):
        raise UserError(f"{given}: several processes share folders and patterns of pictures only")
    elif path.is_file():
        still = path.suffix.lower() in PICTURE_SUFFIXES
        with contextlib.suppress(OSError), path.open("rb") as stream:
            still = still or kind_of(stream.read(64)) is not None
        return PictureSource([path], path.parent, given) if still else open_video(given)
    elif camera:
        return open_camera(int(camera[1]))
    elif address:
        return open_video(given)
    elif "**" in path.parts:
        raise UserError(f"{given}: instead of ** give the folder, and --recursive")
    elif glob.has_magic(given):
        files, left_out = [Path(name) for name in glob.glob(given)], []  # noqa: PTH207
    else:
        raise UserError(
            f"{given}: no such picture, folder, video or pattern (a camera is given by its number)"
        )
    found, rest = [], []
    for file in sorted(files, key=natural_order):
        if file.suffix.lower() not in PICTURE_SUFFIXES:
            rest += [file] if file.name[0] != "." else []
        elif not file.name.startswith("._"):  # what macOS notes about one
            found.append(file)
    if rest:
        more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
        name = name_text(os.path.relpath(rest[0], path if path.is_dir() else rest[0].parent))
        left_out.append({"file": name + more, "reason": "not named as a picture"})
    if not found:
        left = "".join(f"; {item['file']}: {item['reason']}" for item in left_out[:1])
        kinds = " ".join(sorted(PICTURE_SUFFIXES))
        what = "holds no picture" if path.is_dir() else "no picture matches this pattern"
        raise UserError(f"{given}: {what} ({kinds}){left}")
    root = path if path.is_dir() else Path(os.path.commonpath([file.parent for file in found]))
    return PictureSource(found, root, given, rank, ranks, left_out)
