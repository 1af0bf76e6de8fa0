"""Packing: from parts as from a tree, the same bytes whatever interrupted it."""

import shutil

import archives
import killing
import pytest
import release
from commands import refused

from base.lock import locked
from base.set_type import SetType
from dataset.packed import packing
from dataset.packed.packed import Packed
from dataset.packed.shards import Environment
from dataset.release.table import CHARACTERS
from utils import pack_data

TRAIN, VAL = "female_003_a_a", "male_008_a_a"  # of 6 and 9 parts


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two characters in the release's layout, three environments each, and their archives."""
    root = tmp_path_factory.mktemp("made")
    for character, set_folder in ((TRAIN, "TrainSet"), (VAL, "ValSet")):
        for env in ("env_001", "env_002", "env_003"):
            folder = release.camera_folder(root / "tree", set_folder, character, env)
            for number in range(5):
                release.write_label(folder, number, action="Talking" if number % 2 else "Boxing")
                release.write_picture(folder, number)
        content = archives.archive(root / "tree" / set_folder / character)
        archives.cut(content, character, root / "parts")
    return root


@pytest.fixture
def tree(made, tmp_path):
    return shutil.copytree(made / "tree", tmp_path / "tree")


@pytest.fixture
def parts(made, tmp_path):
    return shutil.copytree(made / "parts", tmp_path / "parts")


def options(source, output, *more):
    return ["--input", str(source), "--output", str(output), "--size", "64", *more]


def run(source, output, *more):
    pack_data.main(options(source, output, "--frames_per_shard", "2", *more))


def assert_as_fresh(source, tmp_path):
    """What is packed at last is what a first packing of the source gives."""
    run(source, tmp_path / "a")
    shutil.rmtree(tmp_path / "fresh", ignore_errors=True)
    run(source, tmp_path / "fresh")
    assert archives.contents(tmp_path / "a") == archives.contents(tmp_path / "fresh")


def test_parts_and_tree_give_the_same_files(tree, parts, tmp_path, capsys):
    run(tree, tmp_path / "a", "--jobs", "1")
    run(parts, tmp_path / "b", "--jobs", "3")
    # But for the note on which archives are done.
    a, b = (
        {k: v for k, v in archives.contents(tmp_path / name).items() if "done.json" not in k}
        for name in "ab"
    )
    assert a == b and "TrainSet/female_003_a_a-env_002-00001.tar" in a
    # Nothing of an archive is ever extracted.
    assert {path.rpartition(".")[2] for path in b} == {"tar", "npy", "npz", "json"}
    assert "TrainSet: 15 frames in 9 shards, 15 labels" in capsys.readouterr().out


def test_a_second_run_encodes_nothing_that_is_there(tree, parts, tmp_path, monkeypatch):
    true, encoded = packing.encode_square, []
    monkeypatch.setattr(packing, "encode_square", lambda *g: encoded.append(1) or true(*g))
    for source, output in ((tree, tmp_path / "a"), (parts, tmp_path / "b")):
        run(source, output)
        before = archives.contents(output)
        encoded.clear()
        run(source, output)
        assert encoded == [] and archives.contents(output) == before
        for name in ("TrainSet", "ValSet"):
            shutil.rmtree(output / name / "rows")
            (output / name / "index.json").unlink()
        (output / "ValSet" / f"{VAL}-env_002-00001.tar").unlink()
        run(source, output)
        # Of the tree, frames 2 and 3 of the missing shard; an archive's are decoded as they come.
        assert len(encoded) == 2 or source == parts
        assert archives.contents(output) == before


def test_frames_added_repaired_rewritten_or_gone_later_are_packed_as_they_are(tree, tmp_path):
    folder, output = release.camera_folder(tree, "TrainSet", TRAIN), tmp_path / "a"
    path = release.picture_path(folder, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    run(tree, output)
    assert len(Packed(output, SetType.TRAIN)) == 14
    assert len(Packed(output, SetType.TRAIN, pictures=False)) == 15
    path.write_bytes(whole)
    release.write_label(folder, 0, action="Golfing")
    release.write_picture(folder, 0, level=99)
    release.write_label(folder, 7)
    release.write_picture(folder, 7)
    assert_as_fresh(tree, tmp_path)
    data = Packed(output, SetType.TRAIN)
    assert len(data) == 16 and data[0].action == "Golfing" and (data[0].image == 99).all()
    release.write_picture(folder, 1, level=98)  # its label is as before
    for number in (2, 3):  # a whole shard
        release.picture_path(folder, number).unlink()
        next(folder.glob(f"json/*{number}.json")).unlink()
    (tree / "skip_list.txt").write_text("".join(f"ValSet/{VAL}/env_001/{n}\n" for n in range(5)))
    assert_as_fresh(tree, tmp_path)
    assert not list((output / "ValSet" / "rows").glob("*env_001*"))
    assert (Packed(output, SetType.TRAIN)[1].image == 98).all()
    (tree / "ValSet" / VAL).rename(tree / "TrainSet" / VAL)
    refused(rf"ValSet, {VAL}-env_002, is not in the input.*delete it", run, tree, output)
    shutil.rmtree(tree / "TrainSet" / TRAIN / "env_002")
    refused(rf"TrainSet, {TRAIN}-env_002, is not in the input", run, tree, output)


def test_a_damaged_archive_is_named_and_the_others_are_packed(parts, tmp_path):
    part = parts / CHARACTERS[VAL].parts[5]
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    refused(part.name, run, parts, tmp_path / "a")
    assert len(Packed(tmp_path / "a", SetType.TRAIN)) == 15
    part.unlink()
    refused(f"{part.name} missing", run, parts, tmp_path / "a")
    part.write_bytes(whole)
    assert_as_fresh(parts, tmp_path)


def test_nothing_is_kept_of_an_archive_that_is_wrong_or_out_of_order(tree, parts, tmp_path):
    part = parts / CHARACTERS[TRAIN].parts[-1]
    content = bytearray(part.read_bytes())
    content[-8] ^= 1  # the stored CRC
    part.write_bytes(content)
    refused("checksum is wrong", run, parts, tmp_path / "a")
    assert not [name for name in archives.contents(tmp_path / "a") if TRAIN in name]
    assert len(Packed(tmp_path / "a", SetType.VAL)) == 15
    files = archives.contents(tree / "TrainSet")
    ordered = sorted(files, key=lambda name: (name.rpartition("_")[2], name))  # by frame number
    members = [(archives.tarfile.TarInfo(name), files[name]) for name in ordered]
    archives.cut(archives.tar_members(members), TRAIN, tmp_path / "ordered")
    refused("extract it with", run, tmp_path / "ordered", tmp_path / "b")


@pytest.mark.parametrize("kind", ["tree", "parts"])
def test_killed_at_any_moment_and_run_again_the_files_are_the_same(kind, tree, parts, tmp_path):
    source = {"tree": tree, "parts": parts}[kind]
    run(source, tmp_path / "undisturbed")
    command = options(source, tmp_path / "a", "--frames_per_shard", "2")
    # At one of the renamings that complete a file.
    killing.kill("utils/pack_data.py", *command, at="pathlib:Path.replace", call=10)
    pack_data.main(command)
    assert archives.contents(tmp_path / "a") == archives.contents(tmp_path / "undisturbed")


def test_a_set_in_which_a_picture_changes_is_not_complete_until_it_is_packed(tree, tmp_path):
    run(tree, tmp_path / "a")
    next(tree.glob("TrainSet/**/*.png")).touch()
    command = options(tree, tmp_path / "a", "--frames_per_shard", "2")
    killing.kill("utils/pack_data.py", *command, at="dataset.packed.packing:write_shard")
    assert not (tmp_path / "a" / "TrainSet" / "index.json").exists()
    assert_as_fresh(tree, tmp_path)


def test_bad_input_is_one_line(tree, parts, tmp_path):
    run(tree, tmp_path / "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "somebody.tar.gz").touch()
    for source, output, more, message in (
        ("tree", "a", ("--size", "128"), "packed with --size 64, not 128"),
        ("parts", "tree", (), "is not empty"),
        ("tree", "tree", (), "another folder"),
        ("none", "b", (), "no such folder"),
        ("empty", "b", (), "holds neither parts"),
        ("strange", "b", (), "somebody, no characters of the release"),
        ("tree", "b", ("--quality", "101"), "--quality"),
        ("tree", "b", ("--size", "31"), "--size must"),
    ):
        refused(message, run, tmp_path / source, tmp_path / output, *more)
    rows = next((tmp_path / "a" / "TrainSet" / "rows").glob("*.npz"))
    for kept in (rows.stat().st_size // 2, 0):
        rows.write_bytes(rows.read_bytes()[:kept])
        refused(r"npz: cannot be read; delete it", Environment.load, rows)
    for content in ("[1]", "null", "{"):
        (tmp_path / "a" / "packed.json").write_text(content)
        refused(r"packed\.json: not", run, tree, tmp_path / "a")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("spoil", ["flip", "cut", "delete", "truncated rows"])
def test_a_shard_that_is_gone_cut_or_changed_is_packed_again(spoil, tree, tmp_path):
    run(tree, tmp_path / "a")
    before = archives.contents(tmp_path / "a")
    shard = tmp_path / "a" / "TrainSet" / f"{TRAIN}-env_002-00001.tar"
    rows = shard.parent / "rows" / f"{TRAIN}-env_002.npz"
    content = bytearray(shard.read_bytes())
    content[600] ^= 1  # inside the first JPEG, where a decoder would not notice
    path, damaged = {
        **{"flip": (shard, content), "cut": (shard, content[:700]), "delete": (shard, None)},
        "truncated rows": (rows, rows.read_bytes()[:100]),
    }[spoil]
    path.unlink() if damaged is None else path.write_bytes(damaged)
    if spoil in ("cut", "delete"):
        data = Packed(tmp_path / "a", SetType.TRAIN)
        told = "; ".join(map(str, data.faults))
        assert told == f"TrainSet/{shard.name} (missing or cut off: pack again)"
        assert len(data) == 13 and len(Packed(tmp_path / "a", SetType.TRAIN, pictures=False)) == 15
    run(tree, tmp_path / "a")
    assert archives.contents(tmp_path / "a") == before


def test_another_set_is_not_packed_into_a_used_folder(tree, parts, tmp_path):
    run(tree, tmp_path / "a")
    run(parts, tmp_path / "a")  # the release's, once more
    release.fill(tmp_path / "mine", character="me")
    message = rf"holds another set .*TrainSet, {TRAIN}-env_001"
    refused(message, run, tmp_path / "mine", tmp_path / "a")
    run(tmp_path / "mine", tmp_path / "b")
    for source in (tree, parts):
        refused(r"holds another set .*TrainSet, me-env_001", run, source, tmp_path / "b")
    refused("is packed already", run, tmp_path / "b", tmp_path / "c")


def test_two_packers_exclude_each_other_and_what_killed_ones_left_is_cleared(tree, tmp_path):
    with locked(tmp_path / "a"):
        refused("writing to this folder", run, tree, tmp_path / "a")
    assert not (tmp_path / "a" / "packed.json").exists()
    rows = tmp_path / "a" / "TrainSet" / "rows"
    rows.mkdir(parents=True)
    (rows / ".x.npz.part").touch()
    (rows.parent / ".x.tar.part").touch()
    refused("is not empty", run, tree, tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".packed.json.part").touch()  # of one that was killed as it began
    run(tree, tmp_path / "b")
    shutil.copy(tmp_path / "b" / "packed.json", tmp_path / "a")
    run(tree, tmp_path / "a")
    assert not list((tmp_path / "a").rglob(".*.part"))


def test_names_that_shards_cannot_hold_are_refused(tmp_path):
    for character, env in (("a-b", "c"), ("a", "b-c")):
        release.fill(tmp_path / "a", [1], character=character, env=env)
    refused("would be one when packed: rename", run, tmp_path / "a", tmp_path / "packed")
