"""Archives as the release publishes them: a gzipped tar of a character, cut into parts."""

import io
import tarfile
from pathlib import Path

from isal import igzip

from dataset.release import CHARACTERS, PASSES


def cut(content: bytes, character: str, folder: Path) -> list[Path]:
    """Cut a stream into as many parts as the release has, all but the last of one size."""
    folder.mkdir(parents=True, exist_ok=True)
    names = CHARACTERS[character].parts
    size = -(-len(content) // len(names))
    paths = []
    for i, name in enumerate(names):
        paths.append(folder / name)
        paths[-1].write_bytes(content[i * size : (i + 1) * size])
    return paths


def tar_members(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A gzipped tar of some members."""
    buffer = io.BytesIO()
    with (
        igzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def archive(character_folder: Path, extra_passes: bool = True) -> bytes:
    """A gzipped tar of an extracted character, the passes that training leaves aside included."""
    members = []
    for path in sorted(character_folder.rglob("*")):
        name = str(path.relative_to(character_folder.parent))
        if path.is_file():
            members.append((tarfile.TarInfo(name), path.read_bytes()))
        else:
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            members.append((info, b""))
            if extra_passes and path.name == "cam_down":
                for other in sorted(set(PASSES) - {"json", "rgba"}):
                    members.append((tarfile.TarInfo(f"{name}/{other}/0.bin"), other.encode() * 999))
    return tar_members(members)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
