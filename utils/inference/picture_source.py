"""From what ``--input`` names to the source of frames; pictures of folders and of patterns."""

import contextlib
import glob
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, count, groupby, islice
from pathlib import Path

import numpy as np

from base.errors import BrokenFrameError, UserError
from base.work_parts import Part
from dataset.pictures import PICTURE_SUFFIXES, is_picture, natural_order
from utils.inference.live import open_camera
from utils.inference.source import LazyFrame, Source, name_text, plain_name, read_file
from utils.inference.video import open_video
from utils.inference.watched_folder import WatchedFolder

#: A file in a folder of drawings, which are not searched for poses.
DRAWINGS_MARK = ".drawings"


class PictureSource(Source):
    """Pictures on disk, in this order; ``root`` is the folder that names are relative to."""

    def __init__(
        self, paths: list[Path], root: Path, name: str, left_out: Sequence[dict[str, str]] = ()
    ) -> None:
        self.paths, self.root, self.name, self.left_out = paths, root, name, left_out
        # A link is read elsewhere than in its folder.
        self.reads = {path if path.is_symlink() else path.parent for path in paths}
        self.total, self.nested = len(paths), any(path.parent != root for path in paths)
        self._range = slice(0, self.total)
        self._sequences: dict[str, list[Path]] = {}
        folders: set[str] = set()
        for parent, pictures in groupby(paths, lambda path: path.parent):
            folder = plain_name(parent.relative_to(root).as_posix())
            self._sequences["" if folder == "." else _unique(folder, folders)] = [*pictures]

    def cut(self, part: Part, batch_size: int) -> None:
        """Iterate the frames of a part from now on: some of the batches of all, in which poses come
        out the same to the last bit."""
        batches = -(-len(self.paths) // batch_size)
        first, end = (batches * k // part.count for k in (part.number - 1, part.number))
        self._range = slice(first * batch_size, min(end * batch_size, len(self.paths)))
        self.total = self._range.stop - self._range.start

    def __iter__(self) -> Iterator[LazyFrame]:
        return islice(self._frames(), self._range.start, self._range.stop)

    def _frames(self) -> Iterator[LazyFrame]:
        names: set[str] = set()
        for sequence, pictures in self._sequences.items():
            for index, path in enumerate(pictures):
                name = _unique(f"{sequence}/{plain_name(path.stem)}".lstrip("/"), names)
                file = name_text(path.relative_to(self.root).as_posix())
                yield LazyFrame(
                    file, name, partial(read_file, path), index=index, sequence=sequence
                )

    def sample(self, count: int, sequence: str | None = None) -> list[np.ndarray]:
        pictures, paths = [], self.paths if sequence is None else self._sequences[sequence]
        count = min(count, len(paths))
        for path in (paths[k * len(paths) // count] for k in range(count)):
            # What is broken is reported when its turn comes.
            with contextlib.suppress(BrokenFrameError):
                pictures.append(read_file(path))
        return pictures


def _unique(stem: str, used: set[str]) -> str:
    """The stem, numbered if an earlier picture has it already, upper and lower case alike."""
    names = chain([stem], (f"{stem}_{k}" for k in count(2)))
    name = next(name for name in names if name.lower() not in used)
    used.add(name.lower())
    return name


def walk_files(root: Path, recursive: bool) -> tuple[list[Path], list[dict[str, str]]]:
    """The files in a folder and, ``recursive``, in all below, each folder read once, links
    followed; and the folders left out, each with "file" and "reason", but for hidden ones and those
    in which a Synology disk and macOS keep notes about pictures."""
    found, left_out, visited = [], [], set()

    def leave(folder: str | Path, reason: str) -> None:
        left_out.append({"file": name_text(os.path.relpath(folder, root)), "reason": reason})

    def unreadable(error: OSError) -> None:
        leave(error.filename, f"cannot be read ({error.strerror})")

    for name, folders, files in os.walk(root, onerror=unreadable, followlinks=True):
        parent, real = Path(name), os.path.realpath(name)
        if real in visited:
            folders.clear()
        elif parent != root and DRAWINGS_MARK in files:
            leave(parent, "drawings of an earlier run")
            folders.clear()
        else:
            found += [parent / file for file in files]
            kept = [f for f in folders if f[0] != "." and f not in ("@eaDir", "__MACOSX")]
            folders[:] = sorted(kept) if recursive else []
        visited.add(real)
    return found, left_out


def open_live(given: str) -> Source:
    """As :func:`open_source`, of what shows something new all the time: of a folder the pictures
    that are yet to come."""
    path = Path(given)
    if path.is_dir():
        print(f"{name_text(given)}: waiting for pictures that are new")
        return WatchedFolder(path, lambda: open_source(given))
    if (source := open_source(given, live=True)).live:
        return source
    raise UserError(f"{given}: --stream takes a camera, a stream, a video or a folder")


def open_source(given: str, recursive: bool = False, live: bool = False) -> Source:
    """The source of what ``--input`` names, ``recursive`` with the folders below; UserError where
    there is none. ``live`` is as of :func:`utils.inference.video.open_video`."""
    path = Path(given)
    if path.is_dir():
        files, left_out = walk_files(path, recursive)
    elif path.is_file():
        still = path.suffix.lower() in PICTURE_SUFFIXES or is_picture(path)
        return PictureSource([path], path.parent, given) if still else open_video(given, live)
    elif camera := re.fullmatch("(?:/dev/video)?([0-9]{1,4})", given):
        return open_camera(int(camera[1]), returns=live)
    elif re.match("(https?|rtsps?)://", given):
        return open_video(given, live)
    elif glob.has_magic(given):
        files, left_out = [Path(name) for name in glob.glob(given)], []  # noqa: PTH207
    else:
        raise UserError(
            f"{given}: no such picture, folder, video or pattern (a camera is given by its number)"
        )
    root = path if path.is_dir() else Path(os.path.commonpath([f.parent for f in files] or ["."]))
    files = sorted((file for file in files if file.name[0] != "."), key=natural_order)
    found = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if rest := [file for file in files if file.suffix.lower() not in PICTURE_SUFFIXES]:
        more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
        name = name_text(os.path.relpath(rest[0], root))
        left_out.append({"file": name + more, "reason": "not named as a picture"})
    if not found:
        left = "".join(f"; {item['file']}: {item['reason']}" for item in left_out[:1])
        kinds = " ".join(sorted(PICTURE_SUFFIXES))
        inside = "; --recursive for those in its folders" * (path.is_dir() and not recursive)
        raise UserError(f"{given}: holds, or matches, no picture ({kinds}){left}{inside}")
    return PictureSource(found, root, given, left_out)
