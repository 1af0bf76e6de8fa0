"""Reading a character's archive: parts as one stream, gunzipped and untarred in constant memory."""

import contextlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from isal import igzip, isal_zlib

from base.errors import UserError

_BLOCK = 1 << 20
_TAR_BLOCK = 1 << 16  # up to so much before a cut is lost with it
_CAMERA = "cam_down"
#: Parts of a wanted file's path below the character: environment, camera, pass, name.
_DEPTH = 4
_Parts = tuple[str, ...]
#: A longer chain of links is taken for a loop, as Linux does.
_MAX_LINKS = 40
_LEAVES = "a link that leaves the character's folder"
_SHOWN = 10


class ArchiveError(UserError):
    """An archive that is cut off or damaged; ``untrusted`` where it was read to its end, but its
    checksum is wrong: anything read from it may be."""

    def __init__(self, message: str, untrusted: bool = False) -> None:
        super().__init__(message)
        self.untrusted = untrusted


class _PartsStream(io.RawIOBase):
    """Files read one after the other as if they were one; ``current`` is the one read last."""

    def __init__(
        self, parts: list[Path], on_bytes: Callable[[int], object], stop: threading.Event
    ) -> None:
        self._left = iter(parts)
        self._file: io.RawIOBase | io.BytesIO = io.BytesIO()
        self._on_bytes = on_bytes
        self._stop = stop
        self.current = parts[0]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if self._stop.is_set():
            raise KeyboardInterrupt
        while not (count := self._file.readinto(buffer)):
            part = next(self._left, None)
            if part is None:
                return 0
            self._file.close()
            self.current, self._file = part, part.open("rb", buffering=0)
        self._on_bytes(count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class Member(NamedTuple):
    """One file of an archive, ENVIRONMENT/cam_down/PASS/NAME of its character."""

    environment: str
    pass_name: str
    name: str
    content: bytes


@dataclass(slots=True)
class ArchiveReport:
    """What reading an archive finds beside its members."""

    skipped: list[str] = field(default_factory=list)  # "name: reason" of wanted members
    lost_files: int = 0  # how many of these are files; links and devices hold nothing themselves
    #: Environments with wanted links.  The files that links lead to come after all others, so such
    #: an environment is complete only at the end.
    linked: set[str] = field(default_factory=set)

    def lines(self) -> list[str]:
        """The count of skipped members and the first of them; no line where there are none."""
        if not self.skipped:
            return []
        shown, more = self.skipped[:_SHOWN], len(self.skipped) - _SHOWN
        shown += [f"and {more} more"] * (more > 0)
        header = f"  skipped {len(self.skipped)} members of the archive:"
        return [header, *(f"    {line}" for line in shown)]


def read_archive(
    parts: list[Path],
    passes: frozenset[str],
    on_bytes: Callable[[int], object] = lambda count: None,
    stop: threading.Event | None = None,
    report: ArchiveReport | None = None,
) -> Iterator[Member]:
    """The files of some passes, hidden ones apart, in the archive's order; the whole archive is
    verified by the end.

    A link to a file or folder of the archive gives the files it leads to, under the link's name.
    They come last, from a second reading: what a link leads to may lie before it or after it, and
    in a pass that is not wanted.

    Args:
        parts: parts of one character, in order.
        passes: which passes to hand out.
        on_bytes: called with the bytes read; with a negative number where reading starts again.
        stop: set it, from another thread, to end with KeyboardInterrupt.
        report: filled as the archive is read.

    Raises:
        ArchiveError: naming the part, where the archive is cut off or damaged.
    """
    stop = stop or threading.Event()
    contents = _Contents(passes, report or ArchiveReport())
    with _open_tar(parts, on_bytes, stop) as tar:
        yield from contents.files(tar)
    if contents.follow_links():
        on_bytes(-sum(path.stat().st_size for path in parts))
        with _open_tar(parts, on_bytes, stop) as tar:
            yield from contents.linked_files(tar)


@contextlib.contextmanager
def _open_tar(
    parts: list[Path], on_bytes: Callable[[int], object], stop: threading.Event
) -> Iterator[tarfile.TarFile]:
    """The parts as one tar, gzipped or not, which is verified when the caller has read it."""
    stream = _PartsStream(parts, on_bytes, stop)
    try:
        with parts[0].open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        with (
            stream,
            igzip.open(stream, "rb") if gzipped else stream as unzipped,
            tarfile.open(fileobj=unzipped, mode="r|", bufsize=_TAR_BLOCK) as tar,
        ):
            yield tar
            if not gzipped and tar.fileobj.tell() == tar.offset:
                raise EOFError  # cut between two files, which here no checksum would show
            # tarfile takes a damaged header for the end, and the checksum comes last of all.
            while block := tar.fileobj.read(_BLOCK):
                if block.count(0) != len(block):
                    raise tarfile.ReadError("a file's header is damaged")
    except (EOFError, tarfile.TarError, isal_zlib.error, igzip.BadGzipFile) as error:
        raise _fault(parts, stream.current, error) from None
    except OSError as error:
        raise UserError(f"{stream.current}: cannot be read ({error.strerror or error})") from None


class _Contents:
    """The wanted files of one archive, those that links lead to included.

    Paths are tuples of their parts. Wanted is CHARACTER/ENVIRONMENT/cam_down/PASS/NAME, where
    CHARACTER is that of the first such file, and for links also the folders from ENVIRONMENT to
    PASS.
    """

    def __init__(self, passes: frozenset[str], report: ArchiveReport) -> None:
        self._passes = passes
        self._report = report
        self._character: _Parts | None = None
        self._links: dict[_Parts, _Parts] = {}  # where each leads, by way of ".." and other links
        self._leading_to: dict[_Parts, list[_Parts]] = {}  # file or folder → links that end there
        self._pending: set[_Parts] = set()  # wanted links that have led to no file yet

    def files(self, tar: tarfile.TarFile) -> Iterator[Member]:
        """The files that lie in the archive as such."""
        for info, path, safe in _members(tar):
            character, below = _split(path)
            wanted = self._is_wanted(below) and not info.isdir()
            if not safe:
                if wanted:
                    self._skip(path, "an absolute path or one with ..", info.isfile())
            elif info.issym() or info.islnk():
                # A symbolic link starts from the folder it lies in, a hard link from the top.
                target = PurePosixPath(info.linkname).parts
                self._links[path] = path[:-1] + target if info.issym() else target
                if wanted:
                    self._report.linked.add(below[0])
            elif wanted and len(below) == _DEPTH:
                if not info.isfile():
                    self._skip(path, "neither a file nor a link")
                    continue
                self._character = character if self._character is None else self._character
                if character != self._character:
                    self._skip(path, f"not in {'/'.join(self._character) or '.'}", True)
                    continue
                self._links.pop(path, None)  # of two members of one name the later one counts
                yield _member(below, tar.extractfile(info).read())

    def follow_links(self) -> bool:
        """Find out where all links lead; returns whether any wanted one stays in the character."""
        if self._character is None:
            found = (_split(path) for path in self._links)
            self._character = next((character for character, below in found if below), ())
        top = len(self._character)
        for path in self._links:
            if path[:top] != self._character:
                continue
            end, wanted = self._end(path), self._is_wanted(path[top:])
            if isinstance(end, tuple):
                self._leading_to.setdefault(end, []).append(path)
                if wanted:
                    self._pending.add(path)
                    self._report.linked.add(path[top])
            elif wanted:
                self._skip(path, end)
        return bool(self._pending)

    def linked_files(self, tar: tarfile.TarFile) -> Iterator[Member]:
        """The files that links lead to, under the links' names."""
        for info, path, safe in _members(tar):
            if not info.isfile() or not safe:
                continue
            content = None
            for name, links in self._names(path):
                below = name[len(self._character) :]
                if len(below) == _DEPTH and self._is_wanted(below):
                    content = tar.extractfile(info).read() if content is None else content
                    self._pending.difference_update(links)
                    yield _member(below, content)
        for path in sorted(self._pending):
            self._skip(path, "a link to no file of the archive")

    def _is_wanted(self, below: _Parts) -> bool:
        return (
            0 < len(below) <= _DEPTH
            and below[1:2] in ((), (_CAMERA,))
            and (len(below) < 3 or below[2] in self._passes)
            and not any(part.startswith(".") and part != ".." for part in below)
        )

    def _skip(self, path: _Parts, reason: str, file: bool = False) -> None:
        self._report.skipped.append(f"{PurePosixPath(*path)}: {reason}")
        self._report.lost_files += file

    def _end(self, link: _Parts) -> _Parts | str:
        """Where a link leads in the end, or why that is nowhere in the character."""
        followed, path, left = 0, [], list(reversed(self._links[link]))
        while left:
            part = left.pop()
            if part.startswith("/") or (part == ".." and not path):
                return _LEAVES
            if part == "..":
                path.pop()
                continue
            path.append(part)
            if tuple(path) in self._links:
                followed += 1
                if followed > _MAX_LINKS:
                    return "a loop of links"
                left += reversed(self._links[tuple(path)])
                path.clear()
        if tuple(path[: len(self._character)]) != self._character:
            return _LEAVES
        return tuple(path)

    def _names(
        self, path: _Parts, links: tuple[_Parts, ...] = ()
    ) -> Iterator[tuple[_Parts, tuple[_Parts, ...]]]:
        """Every name that links give a file, with the links in it."""
        if len(links) == _DEPTH:
            return  # each link takes a part of the name below the character: no more can be wanted
        for cut in range(len(path) + 1):
            for link in self._leading_to.get(path[:cut], ()):
                name = link + path[cut:]
                yield name, (*links, link)
                yield from self._names(name, (*links, link))


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, _Parts, bool]]:
    """Each member, its path, and whether the path stays below the folder it starts from."""
    while (info := tar.next()) is not None:
        tar.members.clear()  # tarfile would remember every file of the archive
        path = PurePosixPath(info.name)
        yield info, path.parts, not path.is_absolute() and ".." not in path.parts


def _split(path: _Parts) -> tuple[_Parts, _Parts]:
    """The character's folder, and the path below it from the environment on."""
    cut = path.index(_CAMERA, 1) - 1 if _CAMERA in path[1:] else len(path)
    return path[:cut], path[cut:]


def _member(below: _Parts, content: bytes) -> Member:
    return Member(below[0], below[2], below[3], content)


def _fault(parts: list[Path], current: Path, error: Exception) -> ArchiveError:
    """Which part is to blame: all but the last are cut to one size, so a shorter one stands out."""
    sizes = [path.stat().st_size for path in parts]
    untrusted = False
    for path, size in zip(parts[:-1], sizes[:-1], strict=True):
        if size < max(sizes):
            what = f"{path}: cut off ({size} bytes, other parts have {max(sizes)})"
            break
    else:
        if isinstance(error, EOFError) or "unexpected end" in str(error):
            what = (
                f"{parts[-1]}: the archive ends too early: this part is cut off, or parts after it "
                "are missing"
            )
        elif "CRC" in str(error) or "Incorrect length" in str(error):
            untrusted = True
            what = (
                f"{parts[0]}: the archive's checksum is wrong, so one of its {len(parts)} parts is "
                "damaged"
            )
        else:
            what = f"{current}: damaged in or shortly before it ({error})"
    return ArchiveError(f"{what}: download again", untrusted)
