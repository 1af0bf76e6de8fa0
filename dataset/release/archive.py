"""Reading a character's archive: parts as one stream, gunzipped and untarred in constant memory."""

import bisect
import contextlib
import io
import itertools
import json
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from isal import igzip, isal_zlib
from pydantic import BaseModel

from base.errors import UserError
from base.files import write_text

_BLOCK = 1 << 20
_CAMERA = "cam_down"
#: Parts of a wanted file's path below the character: environment, camera, pass, name.
_DEPTH = 4
_SHOWN = 10
#: Bytes of a file: a label has some 50 kB, an uncompressed picture of four floats a pixel 16 MB.
_LARGEST_LABEL, _LARGEST_PICTURE = 1 << 20, 1 << 26
#: Damage shows up to so many bytes after it: what gzip and the buffers before it read ahead.
_READ_AHEAD = 1 << 20


class ArchiveError(UserError):
    """An archive that is cut off or damaged in one of ``blamed``, as ``what`` says; ``untrusted``
    where it was read to its end, but its checksum is wrong: anything read from it may be."""

    def __init__(self, what: str, blamed: list[Path], untrusted: bool) -> None:
        super().__init__(f"{what}; delete it and run utils/download_data.py again")
        self.what, self.blamed, self.untrusted = what, blamed, untrusted


class _PartsStream(io.RawIOBase):
    """Files read one after the other as if they were one: ``offset`` bytes of part ``index``."""

    def __init__(
        self, parts: list[Path], on_bytes: Callable[[int], object], stop: threading.Event
    ) -> None:
        self._parts, self._on_bytes, self._stop = parts, on_bytes, stop
        self._file: io.RawIOBase | io.BytesIO = io.BytesIO()
        self.index, self.offset = -1, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True  # what reads it skips forwards, and fails where a header leads backwards

    def readinto(self, buffer: memoryview) -> int:
        if self._stop.is_set():
            raise KeyboardInterrupt
        while not (count := self._file.readinto(buffer)):
            if self.index + 1 == len(self._parts):
                return 0
            self._file.close()
            self.index, self.offset = self.index + 1, 0
            self._file = self._parts[self.index].open("rb", buffering=0)
        self.offset += count
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


class Marker(BaseModel):
    """A file that tells what was made of an archive to its end: names with their bytes."""

    parts: dict[str, int]
    files: dict[str, dict[str, int]]  # by kind, as paths from a folder
    skipped: list[str]

    def write(self, path: Path) -> None:
        """Write it; names that are no UTF-8, which pydantic refuses, as JSON's escapes."""
        write_text(path, json.dumps(self.model_dump(), indent=1) + "\n", single_writer=True)

    @classmethod
    def holds(cls, path: Path, parts: list[Path], folder: Path, kinds: frozenset[str]) -> bool:
        """Whether a marker says that files of these kinds were made of these parts, and all are
        still what it says; one that cannot be read is as good as none."""
        try:
            marker = cls.model_validate_json(path.read_bytes())
            files = [item for kind in kinds for item in marker.files[kind].items()]
            return file_sizes(parts).items() <= marker.parts.items() and all(
                (folder / name).stat().st_size == size for name, size in files
            )
        except (OSError, ValueError, KeyError):
            return False


def file_sizes(paths: Iterable[Path]) -> dict[str, int]:
    """Bytes of files by their names."""
    return {path.name: path.stat().st_size for path in paths}


def skipped_lines(skipped: list[str]) -> list[str]:
    """The count of skipped members and the first of them; no line where there are none."""
    more = [f"and {len(skipped) - _SHOWN} more"] * (len(skipped) > _SHOWN)
    header = [f"  skipped {len(skipped)} members of the archive:"] * bool(skipped)
    return header + [f"    {line}" for line in (*skipped[:_SHOWN], *more)]


def read_archive(
    parts: list[Path],
    passes: frozenset[str],
    on_bytes: Callable[[int], object] = lambda count: None,
    stop: threading.Event | None = None,
    skipped: list[str] | None = None,
) -> Iterator[Member]:
    """The files of some passes, hidden ones apart, in the archive's order; the whole archive is
    verified by the end; ArchiveError naming the part, where it is cut off or damaged.

    ``parts`` are those of one character, in order; ``on_bytes`` is called with the number of bytes
    read; ``stop``, set by another thread, ends with KeyboardInterrupt; wanted members that are not
    read are added to ``skipped``, as "name: reason".
    """
    skipped = [] if skipped is None else skipped
    top: tuple[str, ...] | None = None  # the character's folder, as the first file has it
    with _open_tar(parts, on_bytes, stop or threading.Event()) as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # tarfile would remember every file of the archive
            path = PurePosixPath(info.name)
            cut = path.parts.index(_CAMERA, 1) - 1 if _CAMERA in path.parts[1:] else None
            character, below = path.parts[:cut], path.parts[cut:] if cut is not None else ()
            if info.isdir() or not _is_wanted(below, passes, info.issym() or info.islnk()):
                continue
            reason = _refusal(info, path, below)
            if reason is None and character != (top := character if top is None else top):
                reason = f"not in {'/'.join(top) or '.'}"
            if reason is None:
                yield Member(below[0], below[2], below[3], tar.extractfile(info).read())
            else:
                line = f"{path}: {reason}"
                skipped.append(line if line.isprintable() else ascii(line))


@contextlib.contextmanager
def _open_tar(
    parts: list[Path], on_bytes: Callable[[int], object], stop: threading.Event
) -> Iterator[tarfile.TarFile]:
    """The parts as one tar, which is verified when the caller has read it."""
    stream = _PartsStream(parts, on_bytes, stop)
    try:
        with (
            stream,
            igzip.open(stream, "rb") as unzipped,
            tarfile.TarFile(fileobj=unzipped) as tar,
        ):
            yield tar
            # tarfile takes a damaged header for the end, and the checksum comes last of all.
            while block := unzipped.read(_BLOCK):
                if block.count(0) != len(block):
                    raise tarfile.ReadError("a file's header is damaged")
    except (EOFError, tarfile.TarError, isal_zlib.error, igzip.BadGzipFile, ValueError) as error:
        raise _fault(parts, stream, error) from None
    except OSError as error:
        part = parts[max(0, stream.index)]
        raise UserError(f"{part}: cannot be read ({error.strerror or error})") from None


def _is_wanted(below: tuple[str, ...], passes: frozenset[str], link: bool) -> bool:
    """Whether a path below the character is a picture or label, or a link in place of a folder of
    them."""
    full = len(below) == _DEPTH or (link and len(below) < _DEPTH)
    hidden = any(part.startswith(".") and part != ".." for part in below)
    return full and not hidden and (len(below) < 3 or below[2] in passes)


def _refusal(info: tarfile.TarInfo, path: PurePosixPath, below: tuple[str, ...]) -> str | None:
    """Why a member is not read."""
    if path.is_absolute() or ".." in path.parts:
        return "an absolute path or one with .."
    if info.issym() or info.islnk():
        return f"a link, to {info.linkname}"
    if not info.isreg() or info.issparse():
        return "no plain file"
    largest = _LARGEST_LABEL if below[2] == "json" else _LARGEST_PICTURE
    if not 0 <= info.size <= largest:
        return f"{info.size:,} bytes, of at most {largest:,}"
    return None


def _fault(parts: list[Path], stream: _PartsStream, error: Exception) -> ArchiveError:
    """Which part is to blame."""
    sizes = [path.stat().st_size for path in parts]
    checksum = "CRC" in str(error) or "Incorrect length" in str(error)
    # Decoding fails soon after what is wrong, a checksum only at the end.
    at = max(0, stream.index)
    ends = list(itertools.accumulate(sizes))
    place = ends[at] - sizes[at] + stream.offset - _READ_AHEAD
    near = range(0 if checksum else bisect.bisect_left(ends, place), at + 1)
    # All but the last are cut to one size, so one shorter part, read to its end, stands out.
    short = [i for i in near[:-1] if sizes[i] < max(sizes[:-1])]
    if len(short) == 1:
        near = short
        what = f"cut off ({sizes[near[0]]} bytes, other parts have {max(sizes[:-1])})"
    elif isinstance(error, EOFError) or "unexpected end" in str(error):
        near = [len(parts) - 1]
        what = "the archive ends too early: this part is cut off, or parts after it are missing"
    elif checksum:
        what = "the archive's checksum is wrong, so one of its parts is damaged"
    else:
        what = f"damaged ({error})"
    blamed = [parts[i] for i in near]
    names = str(blamed[0]) + (f" to {blamed[-1].name}" if len(blamed) > 1 else "")
    return ArchiveError(f"{names}: {what}", blamed, checksum)
