"""Extraction: the right files in the right set, faults named, nothing half-written."""

import tarfile
import threading

import archives
import killing
import numpy as np
import pytest
import release

from base.errors import UserError
from dataset.archive import read_archive
from dataset.release import CHARACTERS
from utils import extract_data

TRAIN, VAL = "female_003_a_a", "male_008_a_a"  # of 6 and 9 parts


def write_character(root, character, frames=6, environments=("env_001", "env_002")):
    """A small character; its pictures are noise, so that the archive does not compress away."""
    for env in environments:
        folder = release.camera_folder(root, "", character, env)
        for number in range(frames):
            release.write_label(folder, number)
            noise = np.random.default_rng([number, len(env)]).bytes(3000)
            release.picture_path(folder, number).write_bytes(noise)
    return root / character


@pytest.fixture
def published(tmp_path):
    """A folder with the parts of two characters, and what is in them."""
    folder = tmp_path / "published"
    for character in (TRAIN, VAL):
        source = write_character(tmp_path / "source", character)
        archives.cut(archives.archive(source), character, folder)
    return folder


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


def run(published, output, *options):
    extract_data.main(["--input", str(published), "--output", str(output), *options])


def extracted(folder):
    return {k: v for k, v in archives.contents(folder).items() if not k.endswith(".extracted.json")}


def test_pictures_and_labels_go_to_the_folder_of_their_set(published, output, tmp_path):
    before = archives.contents(published)
    run(published, output)
    assert extracted(output / "TrainSet" / TRAIN) == archives.contents(tmp_path / "source" / TRAIN)
    assert extracted(output / "ValSet" / VAL) == archives.contents(tmp_path / "source" / VAL)
    assert archives.contents(published) == before
    assert not (output / "TestSet").exists()


def test_all_passes_flat_is_the_old_behaviour(published, output):
    run(published, output, "--passes", "all", "--flat")
    names = set(archives.contents(output / TRAIN / "env_001" / "cam_down"))
    assert {"depth/0.bin", "objectId/0.bin", "rot/0.bin", "worldp/0.bin"} <= names


def test_a_second_run_reads_no_archive_and_one_for_more_passes_adds_them(
    published, output, monkeypatch
):
    run(published, output)
    before = archives.contents(output)
    with monkeypatch.context() as patched:
        patched.setattr(extract_data, "read_archive", None)
        run(published, output)
    assert archives.contents(output) == before
    run(published, output, "--passes", "json", "rgba", "depth")
    added = archives.contents(output).keys() - before.keys()
    assert {name.split("/")[-2] for name in added} == {"depth"} and len(added) == 4


def test_parts_are_deleted_only_when_asked_and_only_of_complete_characters(published, output):
    broken = published / CHARACTERS[VAL].parts[4]
    broken.write_bytes(broken.read_bytes()[:-50])
    with pytest.raises(UserError, match="1 characters are not complete"):
        run(published, output, "--delete_parts")
    assert {path.name for path in published.iterdir()} == set(CHARACTERS[VAL].parts)
    run_again = archives.contents(output / "TrainSet")
    with pytest.raises(UserError):
        run(published, output)
    assert archives.contents(output / "TrainSet") == run_again


def test_a_missing_part_is_named_before_anything_of_it_is_read(published, output):
    (published / CHARACTERS[TRAIN].parts[2]).unlink()
    with pytest.raises(UserError, match=f"{TRAIN}.tar.gz.partac missing"):
        run(published, output)
    assert not (output / "TrainSet").exists()
    assert (output / "ValSet" / VAL / ".extracted.json").is_file()


@pytest.mark.parametrize("position", [0, 3, 8])
def test_a_truncated_part_is_named_and_what_came_before_it_stays(published, output, position):
    part = published / CHARACTERS[VAL].parts[position]
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=part.name):
        run(published, output)
    assert not (output / "ValSet" / VAL / ".extracted.json").exists()
    if position == 8:
        assert len(extracted(output / "ValSet")) > 4
    part.write_bytes(whole)
    run(published, output)
    assert (output / "ValSet" / VAL / ".extracted.json").is_file()


def test_damage_anywhere_in_a_part_never_passes_for_complete(published, output):
    part = published / CHARACTERS[TRAIN].parts[3]
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 0x10
    part.write_bytes(content)
    with pytest.raises(UserError, match=TRAIN):
        run(published, output)
    assert not (output / "TrainSet" / TRAIN / ".extracted.json").exists()


def test_files_from_a_damaged_part_are_replaced_once_the_part_is_right(published, output, tmp_path):
    run(published, output)
    folder = output / "TrainSet" / TRAIN
    (folder / ".extracted.json").unlink()
    path = next(folder.rglob("*.png"))
    content = path.read_bytes()
    path.write_bytes(bytes(len(content)))  # the same size
    run(published, output)
    assert path.read_bytes() == content


def link(name, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "info",
    [
        tarfile.TarInfo("/etc/env_001/cam_down/json/evil.json"),
        tarfile.TarInfo("../../env_001/cam_down/json/evil.json"),
        tarfile.TarInfo("x/../../cam_down/json/evil.json"),
        link("x/env_001/cam_down/json/evil.json", tarfile.SYMTYPE),
        link("x/env_001/cam_down/json/evil.json", tarfile.LNKTYPE),
        link("x/env_001/cam_down/json/evil.json", tarfile.FIFOTYPE),
    ],
)
def test_links_absolute_paths_and_dots_are_refused(tmp_path, output, info):
    good = tarfile.TarInfo("x/env_001/cam_down/json/good.json")
    archives.cut(
        archives.tar_members([(good, b"{}"), (info, b"evil")]), "male_003_f_s", tmp_path / "parts"
    )
    with pytest.raises(UserError, match="refused"):
        run(tmp_path / "parts", output)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"male_003_f_s.tar.gz.partaa", "good.json"}


def test_a_damaged_header_inside_is_not_taken_for_the_end(tmp_path):
    content = [(tarfile.TarInfo(f"x/e/cam_down/json/{i}.json"), b"{}") for i in range(4)]
    raw = bytearray(archives.igzip.decompress(archives.tar_members(content)))
    raw[2048] ^= 0xFF  # the name in the third header: its checksum no longer fits
    [part] = archives.cut(archives.igzip.compress(bytes(raw)), "male_003_f_s", tmp_path)
    with pytest.raises(UserError, match="damaged"):
        list(read_archive([part], frozenset({"json"})))


def test_killed_at_any_moment_and_run_again_the_files_are_the_same(tmp_path, output):
    source = write_character(tmp_path / "source", TRAIN, frames=20)
    parts = tmp_path / "parts"
    archives.cut(archives.archive(source), TRAIN, parts)
    undisturbed = tmp_path / "undisturbed"
    run(parts, undisturbed, "--jobs", "1")
    folder = output / "TrainSet" / TRAIN
    for call in (1, 17, 6):  # of the renamings that complete a file
        killing.kill(
            *("utils/extract_data.py", "--input", str(parts), "--output", str(output)),
            at="pathlib:Path.replace",
            call=call,
        )
        assert not (folder / ".extracted.json").exists()
    run(parts, output)
    assert archives.contents(output) == archives.contents(undisturbed)


def test_reading_ends_when_it_is_stopped(published):
    stop = threading.Event()
    members = read_archive(
        [published / name for name in CHARACTERS[TRAIN].parts], frozenset({"rgba"}), stop=stop
    )
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        list(members)


def test_bad_input_is_told_in_one_line(tmp_path, output):
    with pytest.raises(UserError, match="no such folder"):
        run(tmp_path / "none", output)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no file like female_001_a_a"):
        run(tmp_path / "empty", output)
    (tmp_path / "empty" / "somebody.tar.gz.partaa").touch()
    with pytest.raises(UserError, match="no character of the release"):
        run(tmp_path / "empty", output)
    with pytest.raises(UserError, match="holds no part of male_001"):
        run(tmp_path / "empty", output, "--characters", "male_001_a_a")
