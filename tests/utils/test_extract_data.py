"""Extraction: the right files in the right set, faults named, nothing half-written."""

import os
import shutil
import tarfile
import tracemalloc
from pathlib import Path

import archives
import killing
import numpy as np
import pytest
import release
from commands import names, refused
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import UserError
from base.lock import locked
from dataset.release.archive import ArchiveError, read_archive
from dataset.release.table import CHARACTERS
from utils import extract_data

TRAIN, VAL = "female_003_a_a", "male_008_a_a"  # of 6 and 9 parts


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Two small characters, and beside them a folder with their parts; pictures are noise, so that
    the archive does not compress away."""
    root = tmp_path_factory.mktemp("sources")
    for character in (TRAIN, VAL):
        for env in range(1, 4):
            folder = release.camera_folder(root, "", character, f"env_00{env}")
            for number in range(4):
                release.write_label(folder, number)
                noise = np.random.default_rng([number, env]).bytes(3000)
                release.picture_path(folder, number).write_bytes(noise)
        archives.cut(archives.archive(root / character), character, root / "parts")
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
    notes = ".extracted.json", ".lock"
    return {k: v for k, v in archives.contents(folder).items() if not k.endswith(notes)}


def cut_by_a_byte(path):
    path.write_bytes(path.read_bytes()[:-1])


def test_pictures_and_labels_go_to_their_set_once(published, output, sources, monkeypatch, capsys):
    parts = archives.contents(published)
    run(published, output)
    assert extracted(output / "TrainSet" / TRAIN) == archives.contents(sources / TRAIN)
    assert extracted(output / "ValSet" / VAL) == archives.contents(sources / VAL)
    assert archives.contents(published) == parts and names(output) == ["TrainSet", "ValSet"]
    before = archives.contents(output)
    with monkeypatch.context() as patched:
        patched.setattr(extract_data, "read_archive", None)
        run(published, output)
    assert archives.contents(output) == before
    camera = output / "TrainSet" / TRAIN / "env_002" / "cam_down"
    for spoil in (Path.unlink, cut_by_a_byte):
        spoil(next((camera / "json").iterdir()))
        run(published, output)
        assert archives.contents(output) == before
    run(published, output, "--passes", "json", "rgba", "depth")
    added = archives.contents(output).keys() - before.keys()
    assert {name.split("/")[-2] for name in added} == {"depth"} and len(added) == 6
    run(published, output, "--passes", "all")
    # As in the release, one folder of an unused pass is a link to another, which holds nothing.
    link = f"{TRAIN}/env_002/cam_down/rot: a link, to ../../env_001/cam_down/rot"
    assert link in capsys.readouterr().err
    cut_by_a_byte(next((camera / "depth").iterdir()))
    with monkeypatch.context() as patched:
        patched.setattr(extract_data, "read_archive", None)
        run(published, output)  # of json and rgba, which are right
    cut_by_a_byte(published / CHARACTERS[VAL].parts[-1])  # it is no longer what was extracted
    refused(r"1 characters .* ends too early", run, published, output)
    shutil.rmtree(output)
    (part := published / CHARACTERS[VAL].parts[4]).unlink()
    refused(f"1 characters are not complete: .*{part.name} missing", run, published, output)
    assert names(output) == ["TrainSet"]


def test_a_folder_held_or_in_the_way_is_refused_before_work(published, output, monkeypatch):
    monkeypatch.setattr(extract_data, "read_archive", None)
    with locked(output):
        refused(rf"process {os.getpid()} on \S+ is writing", run, published, output)
    refused("cannot be made a folder", run, published, published / CHARACTERS[VAL].parts[0])


def test_nothing_is_left_of_a_killed_run(published, output, sources):
    command = "--input", str(published), "--output", str(output)
    killing.kill("utils/extract_data.py", *command, at="pathlib:Path.replace", call=30)
    assert list(output.rglob(".*.part*"))
    run(published, output)
    assert not list(output.rglob(".*.part*"))
    assert extracted(output / "ValSet" / VAL) == archives.contents(sources / VAL)


@pytest.mark.parametrize(
    ("position", "message"),
    [(0, "partaa: cut off"), (3, "partad: cut off"), (5, "partaf: the archive ends")],
)
def test_damage_is_replaced_once_the_part_is_right(position, message, published, output, sources):
    part, folder = published / CHARACTERS[TRAIN].parts[position], output / "TrainSet" / TRAIN
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    refused(f"{TRAIN}.tar.gz.{message}", run, published, output, "--characters", TRAIN)
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
    info.pax_headers = {"path": name} if "\0" in name else {}
    if content.startswith("->"):
        info.type, info.linkname, content = tarfile.SYMTYPE, content[2:], ""
    elif len(content) == 1 and content.encode() in tarfile.SUPPORTED_TYPES and content != "0":
        info.type, info.linkname, content = content.encode(), "/etc/passwd", ""
    return info, content.encode()


LINK, FOLDER, SPARSE = "15S"  # hard link and others, as tarfile has them


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (f"/{JSON}/odd.json", "odd", "absolute path"),
        (f"../.{JSON[1:]}/odd.json", "odd", "absolute path"),
        ("y/env_001/cam_down/json/odd.json", "odd", "not in x"),
        (f"{JSON}/odd.json", "->/etc/passwd", "a link, to /etc/passwd"),
        (f"{JSON}/odd.json", LINK, "a link, to /etc/passwd"),
        (f"{JSON}/odd.json", SPARSE, "no plain file"),
        (f"{JSON}/\x1b[2J", "->\x1b[2J", r"\x1b[2J: a link, to \x1b[2J"),
        ("x/env_002", "->env_001", "a link, to env_001"),
        # What nobody asked for is no concern.
        ("/x/env_001/cam_down/rot/odd", "odd", None),
        (f"{JSON}/._good.json", "odd", None),
        (f"{JSON}/odd.json", FOLDER, None),
    ],
)
def test_an_odd_member_is_skipped(name, content, reason, tmp_path, output, capsys):
    members = [member(f"{JSON}/good.json", "{}"), member(name, content)]
    archives.cut(archives.tar_members(members), "male_003_f_s", tmp_path / "parts")
    run(tmp_path / "parts", output)
    assert extracted(output) == {"TrainSet/male_003_f_s/env_001/cam_down/json/good.json": b"{}"}
    lines = capsys.readouterr().err
    assert ("skipped 1 members" in lines) == (reason is not None) and (reason or "") in lines


def header(kind, size):
    """A header that claims a size, whatever comes after it."""
    info = tarfile.TarInfo(f"{JSON}/odd.json")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


MIB = 1 << 20
GOOD = archives.tar_members([member(f"{JSON}/good.json", "{}")])


@pytest.mark.parametrize(
    ("head", "size", "says"),
    [
        (header(tarfile.REGTYPE, 200 * MIB), 200 * MIB, "209,715,200 bytes, of at most 1,048,576"),
        (header(tarfile.REGTYPE, 8**11 - 1), MIB, "ends too early"),
        (header(tarfile.REGTYPE, -5000), 0, "-5,000 bytes"),
    ],
)
def test_what_claims_or_has_too_many_bytes_takes_no_memory(head, size, says, tmp_path):
    part, skipped = tmp_path / "male_003_f_s.tar.gz", []
    with archives.igzip.open(part, "wb") as file:
        file.write(archives.igzip.decompress(GOOD)[:1024] + head)
        for _ in range(size // MIB):
            file.write(bytes(MIB))
        file.write(bytes(10240))
    tracemalloc.start()
    error = ""
    try:
        for one in read_archive([part], frozenset({"json"}), skipped=skipped):
            assert one.name == "good.json"
    except ArchiveError as refused:
        error = str(refused)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert says in error + "".join(skipped) and peak < 8 * MIB


@pytest.fixture(scope="module")
def large():
    """An archive of 9 MB, for gzip and what reads it are up to 1 MiB ahead of the tar."""
    rng, infos = np.random.default_rng(0), [tarfile.TarInfo(f"{JSON}/{i}") for i in range(100)]
    return archives.tar_members(
        [(info, rng.integers(48, 58, 200_000, np.uint8).tobytes()) for info in infos]
    )


@pytest.mark.parametrize("spoiled", [0, 1, 3])
@pytest.mark.parametrize(("sizes", "where"), [((2, 2, 2, 3), 0.05), ((1, 2, 1, 3), 0.5)])
def test_the_damaged_part_is_blamed_whatever_the_sizes(spoiled, sizes, where, large, tmp_path):
    cuts = [*np.cumsum((0, *sizes[:3])) * (len(large) // sum(sizes)), len(large)]
    parts = [tmp_path / f"x.tar.gz.parta{letter}" for letter in "abcd"]
    for i, part in enumerate(parts):
        part.write_bytes(large[cuts[i] : cuts[i + 1]])
    damaged = bytearray(parts[spoiled].read_bytes())
    start = int(len(damaged) * where)
    damaged[start : start + 10_000] = bytes(10_000)
    parts[spoiled].write_bytes(damaged)
    with pytest.raises(ArchiveError) as error:
        list(read_archive(parts, frozenset({"json"})))
    assert parts[spoiled] in error.value.blamed and len(error.value.blamed) <= 2


def small_tar():
    members = [member(f"{JSON}/{i}.json", "{}" * i) for i in range(3)]
    members += [member(f"{JSON}/{'long' * 40}.json", "{}"), member(f"{JSON}/link", "->0.json")]
    return archives.igzip.decompress(archives.tar_members(members)).rstrip(b"\0") + bytes(1024)


FIELDS = st.sampled_from([0, 30, 124, 128, 156, 157, 257, 345, 482])  # of a header
CHANGE = st.tuples(st.integers(0, 11), FIELDS, st.binary(max_size=12))


@settings(derandomize=True, max_examples=200, deadline=None, database=None)
@given(st.lists(CHANGE, max_size=4), st.booleans(), st.integers(0, 5000))
def test_any_bytes_give_files_or_one_line(tmp_path_factory, changes, sums, lost):
    raw = bytearray(small_tar())
    for block, at, content in changes:
        at += 512 * block
        raw[at : at + len(content)] = content
    for start in range(0, len(raw), 512) if sums else ():
        if raw[start + 257 : start + 262] == b"ustar":  # a checksum that holds
            raw[start + 148 : start + 156] = b" " * 8
            raw[start + 148 : start + 156] = b"%06o\0 " % sum(raw[start : start + 512])
    raw = raw[: len(raw) - max(0, lost - 2500)]
    part = tmp_path_factory.getbasetemp() / "x.tar.gz"
    part.write_bytes(archives.igzip.compress(bytes(raw)))
    try:
        for one in read_archive([part], frozenset({"json"})):
            assert one.pass_name == "json" and len(one.content) <= MIB
            for name in (one.environment, one.name):
                assert not {"/", "\0"} & set(name) and name not in ("", ".", "..")
    except UserError as error:
        assert len(str(error).splitlines()) == 1


def test_many_headers_in_all_are_not_too_large(tmp_path):
    members = [member(f"{JSON}/{number}.json", "{}") for number in range(200)]
    (tmp_path / "x.tar.gz").write_bytes(archives.tar_members(members))
    assert len(list(read_archive([tmp_path / "x.tar.gz"], frozenset({"json"})))) == 200


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
        refused(message, run, tmp_path / folder, output, *options)
