"""Extraction: the right files in the right set, faults named, nothing half-written."""

import os
import random
import shutil
import tarfile
import threading
from pathlib import Path

import archives
import numpy as np
import pytest
import release

from base.errors import UserError
from dataset.release.archive import ArchiveReport, read_archive
from dataset.release.table import CHARACTERS, PASSES
from utils import extract_data

TRAIN, VAL = "female_003_a_a", "male_008_a_a"  # of 6 and 9 parts


def write_character(root, character, frames=4, environments=("env_001", "env_002", "env_003")):
    """A small character; its pictures are noise, so that the archive does not compress away."""
    for env in environments:
        folder = release.camera_folder(root, "", character, env)
        for number in range(frames):
            release.write_label(folder, number)
            noise = np.random.default_rng([number, int(env[-1])]).bytes(3000)
            release.picture_path(folder, number).write_bytes(noise)
    return root / character


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Two characters, and beside them a folder with their parts."""
    root = tmp_path_factory.mktemp("sources")
    for character in (TRAIN, VAL):
        source = write_character(root, character)
        archives.cut(archives.archive(source), character, root / "parts")
    return root


@pytest.fixture
def published(sources, tmp_path):
    return Path(shutil.copytree(sources / "parts", tmp_path / "published"))


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


def run(published, output, *options):
    extract_data.main(["--input", str(published), "--output", str(output), *options])


def extracted(folder):
    return {k: v for k, v in archives.contents(folder).items() if not k.endswith(".extracted.json")}


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_pictures_and_labels_go_to_the_folder_of_their_set_and_once(
    published, output, sources, monkeypatch
):
    parts = archives.contents(published)
    run(published, output)
    assert extracted(output / "TrainSet" / TRAIN) == archives.contents(sources / TRAIN)
    assert extracted(output / "ValSet" / VAL) == archives.contents(sources / VAL)
    assert archives.contents(published) == parts and names(output) == {"TrainSet", "ValSet"}
    before = archives.contents(output)
    with monkeypatch.context() as patched:
        patched.setattr(extract_data, "read_archive", None)
        run(published, output)
    assert archives.contents(output) == before
    run(published, output, "--passes", "json", "rgba", "depth")
    added = archives.contents(output).keys() - before.keys()
    assert {name.split("/")[-2] for name in added} == {"depth"} and len(added) == 6


def add_random_links(staged, rng):
    """Links from anywhere below a character to anywhere, also round in circles and out of it."""
    for _ in range(8):
        places = sorted(staged.rglob("*"))
        place, target = rng.choice(places), rng.choice([staged, *places])
        if rng.random() < 0.3:
            place = place.parent / "new"
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)
        if target.is_file() and not target.is_symlink() and rng.random() < 0.3:
            os.link(target, place)
        else:
            up = "../" * rng.choice([0, 0, 0, 1])
            place.symlink_to(up + os.path.relpath(target, place.parent))


def test_links_are_followed_as_the_operating_system_follows_them(tmp_path):
    source = write_character(tmp_path / "source", TRAIN, frames=2)
    followed = 0
    for seed in range(12):
        rng, expected, counts = random.Random(seed), {}, []

        def arrange(staged, rng=rng, expected=expected):
            add_random_links(staged, rng)
            expected.update(archives.resolved(staged, PASSES))

        def order(names, rng=rng):
            return rng.sample(names, len(names))

        part = tmp_path / "part"
        part.write_bytes(content := archives.archive(source, arrange, order, "-c"))
        found = {
            f"{member.environment}/cam_down/{member.pass_name}/{member.name}": member.content
            for member in read_archive([part], frozenset(PASSES), counts.append)
        }
        assert found == expected, seed
        assert sum(counts) == len(content)  # the second reading starts from none again
        followed += len(expected)
    assert followed > 150


@pytest.mark.parametrize("cut", [True, False])
def test_an_incomplete_character_is_named_and_keeps_its_parts_and_the_others_are_extracted(
    cut, published, output
):
    part = published / CHARACTERS[VAL].parts[4]
    if cut:
        part.write_bytes(part.read_bytes()[:-50])
    else:
        part.unlink()
    what = f"{part.name}: cut off" if cut else f"{VAL}.tar.gz.partae missing"
    with pytest.raises(UserError, match=f"1 characters are not complete: .*{what}"):
        run(published, output, "--delete_parts")
    assert names(published) == set(CHARACTERS[VAL].parts) - (set() if cut else {part.name})
    assert (output / "TrainSet" / TRAIN / ".extracted.json").is_file()
    assert not (output / "ValSet" / VAL / ".extracted.json").exists()


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_parts_are_kept_where_a_file_is_not_on_disk_as_it_was_written(
    spoil, published, output, monkeypatch
):
    true = extract_data.read_archive

    def spoil_after_reading(*arguments):
        yield from true(*arguments)
        spoil(next((output / "ValSet" / VAL).rglob("*.png")))

    before = archives.contents(published)
    monkeypatch.setattr(extract_data, "read_archive", spoil_after_reading)
    with pytest.raises(UserError, match="changed since extracted"):
        run(published, output, "--characters", VAL, "--delete_parts")
    assert archives.contents(published) == before


def test_parts_are_deleted_once_all_files_were_compared_with_the_disk_and_are_safe_on_it(
    published, output, sources, monkeypatch
):
    run(published, output)
    folder = output / "TrainSet" / TRAIN
    shutil.rmtree(folder / "env_002" / "cam_down" / "rgba")
    path = next(folder.rglob("*.png"))
    path.write_bytes(bytes(path.stat().st_size))
    synced, before = [], archives.contents(published)
    monkeypatch.setattr(os, "sync", lambda: synced.append(archives.contents(published)))
    run(published, output, "--characters", TRAIN, "--delete_parts")
    assert synced == [before]
    assert extracted(folder) == archives.contents(sources / TRAIN)
    assert names(published) == set(CHARACTERS[VAL].parts)


def test_a_second_run_notices_a_wanted_folder_that_was_removed(
    published, output, sources, monkeypatch
):
    run(published, output)
    camera = output / "TrainSet" / TRAIN / "env_002" / "cam_down"
    shutil.rmtree(camera / "json")
    run(published, output)
    assert extracted(output / "TrainSet" / TRAIN) == archives.contents(sources / TRAIN)
    run(published, output, "--passes", "all")
    shutil.rmtree(camera / "depth")
    monkeypatch.setattr(extract_data, "read_archive", None)
    run(published, output)


def test_parts_left_by_a_deletion_that_was_stopped_are_kept(published, output, capsys):
    run(published, output)
    (published / CHARACTERS[TRAIN].parts[0]).unlink()
    run(published, output, "--delete_parts")
    assert names(published) == set(CHARACTERS[TRAIN].parts[1:])
    assert f"parts kept: {CHARACTERS[TRAIN].parts[0]} missing" in capsys.readouterr().err


def half(content):
    return content[: len(content) // 2]


def other_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("position", "damage", "message"),
    [
        (0, half, "partaa: cut off"),
        (3, half, "partad: cut off"),
        (5, half, "partaf: the archive ends"),
        (3, other_bit, ""),
    ],
)
def test_damage_never_passes_for_complete_and_is_replaced_once_the_part_is_right(
    position, damage, message, published, output, sources
):
    part, folder = published / CHARACTERS[TRAIN].parts[position], output / "TrainSet" / TRAIN
    whole = part.read_bytes()
    part.write_bytes(damage(whole))
    with pytest.raises(UserError, match=f"{TRAIN}.tar.gz.{message}"):
        run(published, output, "--characters", TRAIN)
    assert not (folder / ".extracted.json").exists()
    part.write_bytes(whole)
    if position == 5:
        # What came before stays; one of them gets other bytes of the same number.
        path = sorted(folder.rglob("*.png"))[3]
        path.write_bytes(bytes(path.stat().st_size))
    run(published, output, "--characters", TRAIN)
    assert extracted(folder) == archives.contents(sources / TRAIN)


JSON = "x/env_001/cam_down/json"


def member(name, content):
    """A file, a link ("->" and its target), or what tarfile's type of a member says."""
    info = tarfile.TarInfo(name)
    if content.startswith("->"):
        info.type, info.linkname, content = tarfile.SYMTYPE, content[2:], ""
    elif len(content) == 1 and content.encode() in tarfile.SUPPORTED_TYPES and content != "0":
        info.type, info.linkname, content = content.encode(), "/etc/passwd", ""
    return info, content.encode()


LINK, DEVICE, BLOCK, FOLDER = "1345"  # hard link and others, as tarfile has them


@pytest.mark.parametrize(
    ("name", "content", "reason", "kept"),
    [
        (f"/{JSON}/odd.json", "odd", "absolute path", True),
        (f"../.{JSON[1:]}/odd.json", "odd", "absolute path", True),
        ("x/../../cam_down/json/odd.json", "odd", "absolute path", True),
        ("y/env_001/cam_down/json/odd.json", "odd", "not in x", True),
        (f"{JSON}/odd.json", "->/etc/passwd", "leaves", False),
        (f"{JSON}/odd.json", "->../../../../env_001/cam_down/json/good.json", "leaves", False),
        (f"{JSON}/odd.json", "->nothing.json", "no file of the archive", False),
        (f"{JSON}/odd.json", "->odd.json", "loop", False),
        (f"{JSON}/odd.json", LINK, "leaves", False),
        (f"{JSON}/odd.json", DEVICE, "neither a file", False),
        # What nobody asked for is no concern.
        ("/x/env_001/cam_down/rot/odd", "odd", None, False),
        ("../odd", "->/etc/passwd", None, False),
        ("x/env_001/cam_down/rot", "->/etc/passwd", None, False),
        ("x/env_001/cam_down/depth/odd", BLOCK, None, False),
        (f"{JSON}/._good.json", "odd", None, False),
        (f"{JSON}/odd.json", FOLDER, None, False),
    ],
)
def test_an_odd_member_is_skipped_and_the_rest_extracted(
    name, content, reason, kept, tmp_path, output, capsys
):
    members = [member(f"{JSON}/good.json", "{}"), member(name, content)]
    archives.cut(archives.tar_members(members), "male_003_f_s", tmp_path / "parts")
    run(tmp_path / "parts", output, "--delete_parts")
    assert extracted(output) == {"TrainSet/male_003_f_s/env_001/cam_down/json/good.json": b"{}"}
    lines = capsys.readouterr().err
    assert ("skipped 1 members" in lines) == (reason is not None) and (reason or "") in lines
    # The only copy of a file that was asked for is not deleted.
    assert any((tmp_path / "parts").iterdir()) == ("parts kept" in lines) == kept


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([(f"{JSON}/a", "->b"), (f"{JSON}/b", "b1"), (f"{JSON}/a", "a2")], {"b": "b1", "a": "a2"}),
        ([(f"{JSON}/a", "a2"), (f"{JSON}/b", "b1"), (f"{JSON}/a", "->b")], {"a": "b1", "b": "b1"}),
        ([(JSON, "->../../store"), ("x/store/a", "a1")], {"a": "a1"}),
        ([(JSON, "->../../store"), ("x/store/..", "a1")], {}),
        ([(f"{JSON}/a", "a1"), ("y/env_2/cam_down", "->../../x/env_001/cam_down")], {"a": "a1"}),
        ([(f"{JSON}/a", "->../../../../y/a"), ("y/a", "a1")], {}),
        (  # Four links on the way, which is as many as there can be.
            [
                *(("x/env_001", "->env_2"), ("x/env_2/cam_down", "->../env_3")),
                *(("x/env_3/json", "->files"), ("x/env_3/files/a", "->../b"), ("x/env_3/b", "b1")),
            ],
            {"a": "b1", "env_2/a": "b1"},
        ),
    ],
)
def test_links_stay_in_their_character_and_the_later_of_two_members_counts(
    members, expected, tmp_path
):
    made = [member(name, content) for name, content in members]
    (tmp_path / "part").write_bytes(archives.tar_members(made))
    found = list(read_archive([tmp_path / "part"], frozenset({"json"})))
    names = [f"{one.environment}/{one.name}".removeprefix("env_001/") for one in found]
    assert dict(zip(names, (one.content.decode() for one in found), strict=True)) == expected


@pytest.mark.parametrize("suffix", [".tar", ".tgz", ".tar.gz"])
@pytest.mark.parametrize("count", [1, 3])
def test_every_kind_of_archive_is_found_in_a_subfolder_and_a_cut_off_one_named(
    suffix, count, tmp_path, output
):
    source = write_character(tmp_path / "source", "somebody")
    folder = tmp_path / "parts" / "more"
    folder.mkdir(parents=True)
    content = archives.archive(source, options="-c" if suffix == ".tar" else "-cz")
    size = -(-len(content) // count)
    for i in range(count):
        last = folder / (f"somebody{suffix}" + (f".parta{'abc'[i]}" if count > 1 else ""))
        last.write_bytes(content[i * size : (i + 1) * size])
    run(tmp_path / "parts", output, "--flat")
    assert names(output) == {"somebody"}
    assert extracted(output / "somebody") == archives.contents(source)
    # Cut between two files: the end of a tar is two empty blocks, which here are missing.
    last.write_bytes(last.read_bytes().rstrip(b"\0")[:-1] if count > 1 else content[:512])
    with pytest.raises(UserError, match=f"{last.name}: the archive ends too early"):
        run(tmp_path / "parts", tmp_path / "again", "--flat")


def test_a_damaged_header_inside_is_not_taken_for_the_end(tmp_path):
    content = [(tarfile.TarInfo(f"x/e/cam_down/json/{i}.json"), b"{}") for i in range(4)]
    raw = bytearray(archives.igzip.decompress(archives.tar_members(content)))
    raw[2048] ^= 0xFF  # the name in the third header: its checksum no longer fits
    [part] = archives.cut(archives.igzip.compress(bytes(raw)), "male_003_f_s", tmp_path)
    with pytest.raises(UserError, match="damaged"):
        list(read_archive([part], frozenset({"json"})))


def test_ten_of_many_skipped_members_are_shown():
    assert ArchiveReport().lines() == []
    assert len(ArchiveReport(["x"] * 10).lines()) == 11
    lines = ArchiveReport(["x"] * 12).lines()
    assert lines[0] == "  skipped 12 members of the archive:" and len(lines) == 12
    assert lines[-2:] == ["    x", "    and 2 more"]


def test_reading_ends_when_it_is_stopped(published):
    stop = threading.Event()
    paths = [published / name for name in CHARACTERS[TRAIN].parts]
    members = read_archive(paths, frozenset({"rgba"}), stop=stop)
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        list(members)


def test_bad_input_is_one_line(tmp_path, output):
    for name in ("empty", "strange"):
        (tmp_path / name).mkdir()
    (tmp_path / "strange" / "somebody.tar.gz.partaa").touch()
    odd = archives.tar_members([(tarfile.TarInfo(f"/{JSON}/a"), b"")])
    archives.cut(odd, "male_003_f_s", tmp_path / "parts")
    for folder, options, message in (
        ("none", (), "no such folder"),
        ("empty", (), "holds no file like female_001_a_a"),
        ("strange", (), "no character of the release"),
        ("strange", ("--characters", "male_001_a_a"), "holds no part of male_001"),
        ("parts", (), f"no file of json, rgba under .*, and /{JSON}/a: an abs"),
    ):
        with pytest.raises(UserError, match=message):
            run(tmp_path / folder, output, *options)
