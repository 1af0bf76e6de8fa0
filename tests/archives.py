"""Archives made as the release's are, with GNU tar and split; and odd ones, member by member."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from isal import igzip

from dataset.release.table import CHARACTERS, PASSES, TRAINING_PASSES


def cut(content: bytes, character: str, folder: Path) -> list[Path]:
    """Cut a stream into as many parts as the release has, all but the last of one size."""
    folder.mkdir(parents=True, exist_ok=True)
    names = CHARACTERS[character].parts
    size = -(-len(content) // len(names))
    start = folder / names[0][:-2]
    subprocess.run(["split", "-a2", f"-b{size}", "-", start], input=content, check=True)
    paths = [folder / name for name in names]
    assert sorted(folder.glob(f"{start.name}*")) == paths
    return paths


def tar_members(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A gzipped tar of some members, for what tar itself does not make."""
    buffer = io.BytesIO()
    with (
        igzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def archive(character_folder: Path) -> bytes:
    """A tar of a character with all six passes, ``rot`` a link in all environments but the first.

    ``character_folder`` holds the passes that training uses.
    """
    if not (shutil.which("tar") and shutil.which("split")):
        pytest.skip("needs tar and split")
    with tempfile.TemporaryDirectory() as staging:
        staged = Path(staging, character_folder.name)
        shutil.copytree(character_folder, staged)
        for i, camera in enumerate(sorted(staged.glob("*/cam_down"))):
            for other in sorted(set(PASSES) - set(TRAINING_PASSES)):
                if other == "rot" and i > 0:
                    (camera / other).symlink_to("../../env_001/cam_down/rot")
                else:
                    (camera / other).mkdir()
                    name = f"{staged.name}.{other}.000000.exr"
                    (camera / other / name).write_bytes(f"{camera.parent.name} {other}".encode())
        names = sorted(str(path.relative_to(staging)) for path in staged.rglob("*"))
        return subprocess.run(
            ["tar", "-cz", "--no-recursion", "-C", staging, "-T", "-"],
            input=os.fsencode("\n".join(names)),
            stdout=subprocess.PIPE,
            check=True,
        ).stdout


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too but no locks and notes of parts, by its relative
    path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock" and ".parts" not in path.parts
    }
