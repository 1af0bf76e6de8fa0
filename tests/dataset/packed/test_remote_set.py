"""Packed sets in object storage are those on disk, whatever happens on the way."""

import contextlib
import json
import os
import shutil

import fsspec
import numpy as np
import object_store
import pytest
from commands import pack, refused

from base import remote
from base.release_camera import RELEASE_SQUARE
from base.remote import root_path
from base.set_type import SetType
from dataset import open_split
from dataset.loader import FrameLoader
from dataset.mixed import Roots
from dataset.order import epoch_of
from dataset.packed import remote_set
from utils import check_data, pack_data
from utils.common.config import parse_config
from utils.training.data import open_pictures

pytest.importorskip("obstore")
pytestmark = pytest.mark.usefixtures("cache")
URL = "s3://bucket/some/packed"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The local cache of one test; each opens its sets as a new process would."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    anew()
    yield tmp_path / "cache" / "xr-egopose" / "read"
    anew()


def anew():
    remote_set.mirror.cache_clear()
    remote._filesystem.cache_clear()


@pytest.fixture(scope="module")
def packed(tiny_packed):
    return tiny_packed


@pytest.fixture
def store(monkeypatch):
    """An object store with nothing in it."""
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    found = object_store.ObjectStore()
    with object_store.serving(found) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def filled(store, packed):
    """One that holds the packed set."""
    for path in packed.rglob("*Set/*.*"):
        store.objects[f"some/packed/{path.relative_to(packed).as_posix()}"] = path.read_bytes()
    store.objects["some/packed/packed.json"] = (packed / "packed.json").read_bytes()
    return store


def assert_same(a, b):
    assert len(a) == len(b) > 0
    for one, other in zip(a, b, strict=True):
        assert one.frame_id == other.frame_id and np.array_equal(one.image, other.image)
        assert np.array_equal(one.joints3d, other.joints3d)


def shards_asked(store):
    return {
        key: n for (method, key), n in store.asked.items() if (method, key[-4:]) == ("GET", ".tar")
    }


def test_frames_are_those_on_disk_and_each_shard_comes_once(filled, packed, cache):
    data = open_split(URL, SetType.TRAIN)
    assert not shards_asked(filled)
    assert_same(data, open_split(packed, SetType.TRAIN))
    assert_same(data, open_split(packed, SetType.TRAIN))
    asked = shards_asked(filled)
    assert len(asked) > 1 and set(asked.values()) == {1}
    anew()  # another process finds what this one has fetched
    assert_same(open_split(URL, SetType.TRAIN), data)
    assert shards_asked(filled) == asked
    assert not [path for path in cache.rglob("*") if "part" in path.suffix]


@pytest.mark.parametrize("kind", ["memory", "file", "http"])
def test_other_storage(kind, filled, packed):
    filled.signed = False
    fsspec.filesystem("memory").put(f"{packed}/", "/store/packed", recursive=True)
    url = {"memory": "memory://store/packed", "file": f"file://{packed}"}.get(kind)
    url = url or f"{os.environ['AWS_ENDPOINT']}/bucket/some/packed"
    assert_same(open_split(url, SetType.VAL), open_split(packed, SetType.VAL))


def test_pictures_alone_are_shuffled_by_shards(filled):
    data, labels = (open_split(URL, SetType.TRAIN, pictures=each) for each in (True, False))
    assert epoch_of(labels, {})["shards"] is None
    names = [data._shards[code] for code in epoch_of(data, {})["shards"]]
    assert all(f"{data.frame_id(i).character}-" in name for i, name in enumerate(names))


def test_the_check_reads_it_and_names_what_is_missing_or_damaged(filled, cache):
    def check():
        anew()
        with contextlib.suppress(SystemExit):
            check_data.main(["--data_root", URL, "--jobs", "1", "--sets", "val"])
        found = json.loads((cache / "s3/bucket/some/packed/report.json").read_text())
        return [fault["where"] for fault in found["sets"][0]["faults"]]

    first, second, *_ = sorted(key for key in filled.objects if "ValSet" in key and ".tar" in key)
    whole = filled.objects[second]
    filled.objects[second] = whole[:-9000] + bytes(9000)
    del filled.objects[first]
    assert check() == [key.removeprefix("some/packed/") for key in (first, second)]


def test_parts_of_a_check_meet_beside_a_report_that_all_machines_see(filled, tmp_path, monkeypatch):
    report = tmp_path / "shared" / "report.json"
    command = ["--data_root", URL, "--jobs", "1", "--sets", "val"]
    del filled.objects[max(key for key in filled.objects if "ValSet" in key and ".tar" in key)]

    def run(machine, *part):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        anew()
        check_data.main([*command, "--report", str(report), *part])

    with pytest.raises(SystemExit):
        run("one")
    alone = report.read_bytes()
    report.unlink()
    shutil.rmtree(tmp_path / "one")
    line = f"{URL}: in parts, give --report in a folder that all machines see"
    refused(line, check_data.main, [*command, "--part", "1/2"])
    run("other", "--part", "1/2")
    with pytest.raises(SystemExit):
        run("one", "--part", "2/2")
    assert report.read_bytes() == alone


@pytest.mark.parametrize("fault", ["cuts", "damaged"])
def test_what_arrives_in_part_or_damaged_is_fetched_again(fault, filled, packed):
    end = ".tar" if fault == "damaged" else ""
    names = [key for key in filled.objects if "TrainSet" in key and key.endswith(end)]
    getattr(filled, fault).update(names)
    assert_same(open_split(URL, SetType.TRAIN), open_split(packed, SetType.TRAIN))
    assert {n: filled.asked["GET", n] for n in names} == dict.fromkeys(names, 2)


def test_one_that_is_always_cut_is_one_line_and_leaves_nothing(filled, cache):
    data = open_split(URL, SetType.TRAIN)
    filled.cuts.update(dict.fromkeys(filled.objects, 100))
    refused(r"s3://bucket/some/packed/TrainSet/.*\.tar: ", data.__getitem__, 0)
    assert not [*cache.rglob("*.tar*")]


def test_what_the_cache_has_lost_or_damaged_is_fetched_again(filled, packed, cache):
    local = open_split(packed, SetType.TRAIN)
    assert_same(open_split(URL, SetType.TRAIN), local)
    one, two, three, *_ = sorted(cache.rglob("TrainSet/*.tar"))
    annotations = cache / "s3/bucket/some/packed/TrainSet/annotations.npy"
    for path in (one, two, annotations):
        content = path.read_bytes()
        path.write_bytes(content[:-9000] if path == one else content[:-9000] + bytes(9000))
    three.unlink()
    anew()
    assert_same(open_split(URL, SetType.TRAIN), local)
    asked = shards_asked(filled)
    assert sorted(asked.values())[-3:] == [2, 2, 2] and set(asked.values()) <= {1, 2}


def test_the_cache_is_bounded_and_drops_what_was_not_used_for_longest(filled, cache):
    data = open_split(URL, SetType.TRAIN)
    first = [np.flatnonzero(data.shards == code)[0] for code in range(3)]
    names = [data._shards[code] for code in range(3)]
    size = {name: len(filled.objects[f"some/packed/TrainSet/{name}"]) for name in names}
    data.cache_gb = sum(size.values()) / 1e9 - 1e-9  # one byte less than all three
    for code in (0, 1, 0, 2):
        data[first[code]]
    assert {path.name for path in cache.rglob("*.tar")} == {names[0], names[2]}
    data.cache_gb = 1e-9  # the one in use is kept
    data[first[1]]
    assert [path.name for path in cache.rglob("*.tar")] == [names[1]]


def test_another_index_makes_the_shards_be_fetched_anew(filled, tiny_data, tmp_path, packed):
    assert_same(open_split(URL, SetType.TRAIN), open_split(packed, SetType.TRAIN))
    other = pack(tiny_data, tmp_path / "other", 64, "--frames_per_shard", 3, "--quality", 50)
    for path in other.rglob("TrainSet/*.*"):
        filled.objects[f"some/packed/{path.relative_to(other).as_posix()}"] = path.read_bytes()
    anew()
    assert_same(open_split(URL, SetType.TRAIN), open_split(other, SetType.TRAIN))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://nowhere/packed", "s3://nowhere/packed: holds no packed set that may be read"),
        ("s3://bucket/other", "s3://bucket/other: holds no packed set"),
        ("s3://bucket/../x", "not a place such as"),
        ("gopher://bucket/x", "gopher:// cannot be opened"),
        ("ftp://127.0.0.1:1/x", "ftp:// cannot be opened"),
        ("zip://x", "zip:// cannot be opened"),
    ],
)
def test_what_is_not_there_is_one_line(url, message, filled):
    refused(message, open_split, url, SetType.TRAIN)


def test_a_page_in_place_of_a_missing_file_is_none(filled, packed, cache):
    for key in ("skip_list.txt", "TestSet/index.json"):
        filled.objects[f"some/packed/{key}"] = b"\n<!DOCTYPE html><html>Not here</html>"
    assert_same(open_split(URL.replace("s3", "S3"), SetType.VAL), open_split(packed, SetType.VAL))
    assert not [*cache.rglob("skip_list.txt")]
    refused("no TestSet in", open_split, URL, SetType.TEST)


def test_a_bucket_that_may_not_be_listed_is_read(filled, packed):
    filled.missing = 403  # of the skip list
    assert_same(open_split(URL, SetType.VAL), open_split(packed, SetType.VAL))
    refused("holds no packed set that may be read", open_split, "s3://bucket/other", SetType.VAL)


def test_missing_credentials_are_one_line(filled, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    # In place of the address at which cloud machines are told theirs.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    refused("s3://bucket/some/packed/packed.json: .*credentials", open_split, URL, SetType.TRAIN)


def test_packing_writes_there_and_goes_on_where_it_was_stopped(store, packed, tiny_data):
    how = tiny_data, URL, 64, "--frames_per_shard", 3
    store.most_puts = 3
    refused(r"\.tar: ", pack, *how)
    assert not [key for key in store.objects if key.endswith("index.json")]
    there = set(store.objects)
    store.most_puts = None
    store.cuts.update(
        {f"some/packed/TrainSet/{name}": 1 for name in ("index.json", "annotations.npy")}
    )
    pack(*how)
    assert all(store.asked["PUT", key] == 1 for key in there if key.endswith(".tar"))
    for name in ("TrainSet", "ValSet", "TestSet"):
        for path in (packed / name).glob("*.*"):
            assert store.objects[f"some/packed/{name}/{path.name}"] == path.read_bytes()
    assert_same(open_split(URL, SetType.TEST), open_split(packed, SetType.TEST))


def test_a_set_that_is_written_anew_cannot_be_read_until_it_is_whole(store, tiny_data, cache):
    how = tiny_data, URL, 64, "--frames_per_shard", 3
    pack(*how)
    own = cache.parent / "packing/s3/bucket/some/packed"
    next(own.glob("ValSet/*.tar")).touch()
    store.most_puts = sum(n for (method, _), n in store.asked.items() if method == "PUT") + 2
    refused("Stopped", pack, *how)
    refused("no ValSet in", open_split, URL, SetType.VAL)
    store.most_puts = None
    pack(*how)
    anew()
    assert_same(open_split(URL, SetType.VAL), open_split(own, SetType.VAL))


def test_an_upload_that_is_killed_as_it_begins_goes_on(store, tiny_data, cache):
    refused("nowhere.*may not be written", pack, tiny_data, "s3://nowhere/packed")
    assert not [*cache.parent.rglob("*.tar")]  # before anything is packed
    pack(tiny_data, URL)
    [own] = (cache.parent / "packing/s3/bucket/some/packed").glob(".uploaded*")
    own.unlink()
    refused("holds a packed set already", pack, tiny_data, URL)
    for key in [key for key in store.objects if key.endswith("index.json")]:
        del store.objects[key]
    pack(tiny_data, URL)
    assert any(key.endswith("index.json") for key in store.objects)


def test_a_packed_set_is_uploaded_as_it_is(store, packed, tmp_path):
    own = shutil.copytree(packed, tmp_path / "own")
    for url in (URL, "s3://bucket/again"):
        pack_data.main(["--input", str(own), "--output", url])
        assert_same(open_split(url, SetType.TEST), open_split(packed, SetType.TEST))
    other = ["--input", str(shutil.copytree(packed, tmp_path / "other")), "--output"]
    refused("holds a packed set already", pack_data.main, [*other, URL])
    refused("is packed already", pack_data.main, [*other, "s3://bucket/new", "--size", "32"])
    refused("is packed already", pack_data.main, [*other, str(tmp_path / "new")])
    refused("http is for reading only", pack_data.main, [*other, "http://127.0.0.1:9/new"])
    (tmp_path / "other/ValSet/index.json").unlink()
    refused("is not finished", pack_data.main, [*other, "s3://bucket/new"])
    assert not [key for key in store.objects if key.startswith("new")]


def test_a_cache_that_holds_less_than_is_mixed_is_told(filled, packed, capsys):
    sizes = [len(filled.objects[key]) for key in filled.objects if "TrainSet" in key]
    view = RELEASE_SQUARE.resized(64, 64)

    def told(root, cache_gb, **more):
        data = {"input_size": 64, "memory_gib": 0, "workers": 0, "cache_gb": cache_gb} | more
        roots, config = Roots([root_path(root)]), parse_config({"data": data}, "test")
        open_pictures(roots, SetType.TRAIN, config, view)
        return "data.cache_gb" in capsys.readouterr().err

    assert told(URL, 1e-6) and not told(URL, sum(sizes) / 1e9)
    assert not told(packed, 1e-6) and not told(URL, 1e-6, memory_gib=1)


def test_reading_processes_fetch_too_and_say_in_one_line_what_fails(filled, packed, cache):
    loader, local = (
        FrameLoader(open_split(URL, SetType.VAL), 4, workers=1),
        open_split(packed, SetType.VAL),
    )
    [batch] = loader
    for image, frame in zip(batch.images, local, strict=True):
        assert np.array_equal(image, frame.image)
    filled.objects.clear()
    for path in cache.rglob("*.tar"):
        path.unlink()
    line = refused(r"\.tar: is not there, or may not be read$", list, loader)
    assert line.startswith("s3://bucket/some/packed/ValSet/")
