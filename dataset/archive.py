"""Reading a character's archive: parts as one stream, gunzipped and untarred in constant memory."""

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from isal import igzip, isal_zlib

from base.errors import UserError

_BLOCK = 1 << 20
_TAR_BLOCK = 1 << 16  # up to so much before a cut is lost with it
_CAMERA = "cam_down"


class ArchiveError(UserError):
    """An archive that is cut off, damaged, or holds what no archive of the release holds.

    Attributes:
        untrusted: the archive was read to its end, but its checksum is wrong: anything read from
            it may be.
    """

    def __init__(self, message: str, untrusted: bool = False) -> None:
        super().__init__(message)
        self.untrusted = untrusted


class PartsStream(io.RawIOBase):
    """Files read one after the other as if they were one.

    Args:
        parts: the files in order.
        on_bytes: told how many bytes each read took.
        stop: set it to end reading with KeyboardInterrupt.

    Attributes:
        current: the part that was read last.
    """

    def __init__(
        self, parts: list[Path], on_bytes: Callable[[int], object], stop: threading.Event
    ) -> None:
        self._left = list(reversed(parts))
        self._file: io.FileIO | None = None
        self._on_bytes = on_bytes
        self._stop = stop
        self.current = parts[0]

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` from the current part, or from the next where that has ended."""
        if self._stop.is_set():
            raise KeyboardInterrupt
        while True:
            if self._file is None:
                if not self._left:
                    return 0
                self.current = self._left.pop()
                self._file = self.current.open("rb", buffering=0)
            count = self._file.readinto(buffer)
            if count:
                self._on_bytes(count)
                return count
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Close the part that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()


@dataclass(slots=True)
class Member:
    """One file of an archive.

    Attributes:
        environment: such as ``env_001``.
        pass_name: such as ``rgba``.
        name: file name.
        content: what is in it.
    """

    environment: str
    pass_name: str
    name: str
    content: bytes


def read_archive(
    parts: list[Path],
    passes: frozenset[str],
    on_bytes: Callable[[int], object] = lambda count: None,
    stop: threading.Event | None = None,
) -> Iterator[Member]:
    """The files of some passes, in the archive's order; the whole archive is verified by the end.

    Args:
        parts: parts of one character, in order.
        passes: which passes to hand out; the others are stepped over.
        on_bytes: told the compressed bytes read.
        stop: set it, from another thread, to end with KeyboardInterrupt.

    Raises:
        ArchiveError: naming the part, where the archive is cut off, damaged, or holds a link, an
            absolute path or one with ``..``.
    """
    stream = PartsStream(parts, on_bytes, stop or threading.Event())
    try:
        with stream, igzip.open(io.BufferedReader(stream, _BLOCK), "rb") as unzipped:
            yield from _members(unzipped, parts[0], passes)
    except (EOFError, tarfile.TarError, isal_zlib.error, igzip.BadGzipFile) as error:
        raise _fault(parts, stream.current, error) from None
    except OSError as error:
        raise UserError(f"{stream.current}: cannot be read ({error.strerror or error})") from None


def _members(unzipped: io.BufferedIOBase, archive: Path, passes: frozenset[str]):
    with tarfile.open(fileobj=unzipped, mode="r|", bufsize=_TAR_BLOCK) as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # tarfile would remember every file of the archive
            _refuse_unsafe(info, archive)
            path = PurePosixPath(info.name).parts
            if info.isfile() and len(path) >= 4 and path[-3] == _CAMERA and path[-2] in passes:
                yield Member(path[-4], path[-2], path[-1], tar.extractfile(info).read())
        # tarfile takes a damaged header for the end, and the checksum comes last of all.
        while block := tar.fileobj.read(_BLOCK):
            if block.count(0) != len(block):
                raise tarfile.ReadError("a file's header is damaged")


def _refuse_unsafe(info: tarfile.TarInfo, archive: Path) -> None:
    path = PurePosixPath(info.name)
    if not (info.isfile() or info.isdir()):
        raise ArchiveError(f"{archive}: refused: {info.name} is a link or a device")
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"{archive}: refused: {info.name} leads out of the output folder")
    try:
        tarfile.data_filter(info, "/")
    except tarfile.FilterError as error:
        raise ArchiveError(f"{archive}: refused: {error}") from None


def _fault(parts: list[Path], current: Path, error: Exception) -> ArchiveError:
    """Which part is to blame: all but the last are cut to one size, so a shorter one stands out."""
    sizes = [path.stat().st_size for path in parts]
    for path, size in zip(parts[:-1], sizes[:-1], strict=True):
        if size < max(sizes):
            return ArchiveError(
                f"{path}: cut off ({size} bytes, other parts have {max(sizes)}): download it again"
            )
    if isinstance(error, EOFError) or "unexpected end" in str(error):
        return ArchiveError(
            f"{parts[-1]}: the archive ends too early: this part is cut off, or parts after it "
            "are missing; download it again"
        )
    if "CRC" in str(error) or "Incorrect length" in str(error):
        return ArchiveError(
            f"{parts[0]}: the archive's checksum is wrong, so one of its {len(parts)} parts is "
            "damaged: download them again",
            untrusted=True,
        )
    return ArchiveError(f"{current}: damaged in or shortly before it ({error}): download it again")
