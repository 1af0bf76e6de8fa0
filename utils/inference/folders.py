"""The pictures of a folder and of those below it."""

import glob
import os
from collections import deque
from collections.abc import Sequence, Set
from fnmatch import fnmatch
from pathlib import Path, PurePath

from dataset.pictures import PICTURE_SUFFIXES, is_picture, natural_order
from utils.inference.file_names import name_text

#: A file in a folder of drawings: they are no pictures to find poses in.
DRAWINGS_MARK = ".drawings"
#: Folders in which a Synology disk and macOS keep notes about pictures.
_NOTES = frozenset({"@eaDir", "__MACOSX"})


def walk_pictures(
    root: Path, suffixes: Set[str] = PICTURE_SUFFIXES
) -> tuple[list[Path], list[dict[str, str]]]:
    """All pictures below a folder, and what is left out.

    Links to folders are followed after everything else, and each folder is taken once.  Hidden
    folders and those of :data:`_NOTES` are passed over.

    Returns:
        The pictures, folder by folder in natural order; and the other folders that are left out,
        each with "file" and "reason".
    """
    found: list[Path] = []
    left_out: list[dict[str, str]] = []
    taken: set[tuple[int, int]] = set()

    def leave(folder: str | Path, reason: str) -> None:
        left_out.append({"file": name_text(os.path.relpath(folder, root)), "reason": reason})

    def unreadable(error: OSError) -> None:
        leave(error.filename, f"cannot be read ({error.strerror})")

    waiting = deque([root])
    while waiting:
        for name, folders, files in os.walk(waiting.popleft(), onerror=unreadable):
            parent = Path(name)
            status = parent.stat()
            if (status.st_dev, status.st_ino) in taken:
                leave(parent, "a link to a folder that is taken already")
                folders.clear()
                continue
            taken.add((status.st_dev, status.st_ino))
            found += [parent / file for file in files if is_picture(file, suffixes)]
            kept = [name for name in folders if name[0] != "." and name not in _NOTES]
            for drawn in [name for name in kept if _drawings(parent / name)]:
                leave(parent / drawn, "drawings of an earlier run")
                kept.remove(drawn)
            folders[:] = sorted(kept)
            waiting += [parent / name for name in folders if (parent / name).is_symlink()]
    return sorted(found, key=natural_order), left_out


def _drawings(folder: Path) -> bool:
    """Whether a folder holds what inference drew."""
    try:
        if (folder / DRAWINGS_MARK).exists():
            return True
        if folder.name != "pictures":
            return False
        # Of a run from before there was a mark.
        with (folder.parent / "poses.json").open("rb") as stream:
            return stream.read(32).startswith(b'{\n "joint_names":')
    except OSError:
        return False


def match_pictures(
    pattern: str, suffixes: Set[str] = PICTURE_SUFFIXES
) -> tuple[list[Path], list[dict[str, str]]]:
    """The pictures that a pattern with ``**`` names among those of :func:`walk_pictures`."""
    parts = PurePath(pattern).parts
    fixed = next(row for row, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    found, left_out = walk_pictures(root, suffixes)
    wanted = parts[fixed:]
    return [path for path in found if _match(path.relative_to(root).parts, wanted)], left_out


def _match(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a pattern, ``**`` any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_match(parts[row:], pattern[1:]) for row in range(len(parts) + 1))
    return bool(parts) and fnmatch(parts[0], pattern[0]) and _match(parts[1:], pattern[1:])
