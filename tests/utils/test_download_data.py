"""Downloading from a server that cuts connections, lies about lengths, and refuses."""

import numpy as np
import pytest
from http_server import Faults, serving

from base.errors import UserError
from dataset.release.table import CHARACTERS
from utils import download_data

ONE_PART = "female_002_f_s"  # of the training set
SIX_PARTS = "female_003_a_a"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(download_data, "_FIRST_WAIT", 0.001)


@pytest.fixture
def published(tmp_path):
    """A folder with the parts of two characters."""
    folder = tmp_path / "published"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in (ONE_PART, SIX_PARTS):
        for part in CHARACTERS[name].parts:
            content = rng.bytes(5000 + 100 * ord(part[-1]))
            magic = b"\x1f\x8b" if part.endswith("aa") else b""
            (folder / part).write_bytes(magic + content)
    return folder


@pytest.fixture
def output(tmp_path):
    return tmp_path / "downloads"


def run(url, output, *options, characters=(ONE_PART, SIX_PARTS)):
    download_data.main(
        ["--output", str(output), "--base_url", url, "--characters", *characters, *options]
    )


def assert_same(published, output):
    expected = {path.name: path.read_bytes() for path in published.iterdir()}
    assert {path.name: path.read_bytes() for path in output.iterdir()} == expected


def test_all_parts_arrive_and_a_second_run_fetches_nothing(published, output):
    faults = Faults()
    with serving(published, faults) as url:
        run(url, output)
        assert_same(published, output)
        assert sum(faults.gets.values()) == 7
        run(url, output)
        assert sum(faults.gets.values()) == 7


def test_a_cut_connection_is_resumed_at_the_byte_where_it_broke(published, output):
    name = CHARACTERS[SIX_PARTS].parts[2]
    faults = Faults()
    faults.cuts[name] = [1000, 2000, 0]
    with serving(published, faults) as url:
        run(url, output, "--jobs", "1")
    assert_same(published, output)
    assert faults.starts[name] == [1000, 3000, 3000]


def test_an_interrupted_download_goes_on_where_it_stopped(published, output):
    name = CHARACTERS[ONE_PART].parts[0]
    output.mkdir()
    (output / f"{name}.download").write_bytes((published / name).read_bytes()[:700])
    # A file cut off by another downloader has its final name.
    other = CHARACTERS[SIX_PARTS].parts[0]
    (output / other).write_bytes((published / other).read_bytes()[:900])
    faults = Faults()
    with serving(published, faults) as url:
        run(url, output)
    assert_same(published, output)
    assert faults.starts[name] == [700] and faults.starts[other] == [900]


def test_a_server_without_ranges_is_asked_for_the_whole(published, output):
    name = CHARACTERS[ONE_PART].parts[0]
    faults = Faults()
    faults.ignore_range.add(name)
    faults.cuts[name] = [1000]
    with serving(published, faults) as url:
        run(url, output)
    assert_same(published, output)


def test_busy_answers_are_tried_again(published, output):
    name = CHARACTERS[ONE_PART].parts[0]
    faults = Faults()
    faults.statuses[name] = [429, 503, 500, 502]
    faults.head_statuses[name] = [503, 429]
    with serving(published, faults) as url:
        run(url, output)
    assert_same(published, output)
    assert faults.gets[name] == 5


def test_a_part_that_is_not_published_is_named_and_the_others_arrive(published, output):
    name = CHARACTERS[SIX_PARTS].parts[3]
    (published / name).unlink()
    with serving(published) as url, pytest.raises(UserError) as caught:
        run(url, output)
    assert f"1 of 7 parts failed: {name}: not found (404)" in str(caught.value)
    assert_same(published, output)


def test_a_server_that_never_recovers_is_given_up(published, output):
    name = CHARACTERS[ONE_PART].parts[0]
    faults = Faults()
    faults.statuses[name] = [503] * 50
    with serving(published, faults) as url, pytest.raises(UserError, match="gave up after 3"):
        run(url, output, "--retries", "3", characters=[ONE_PART])
    assert faults.gets[name] == 3


@pytest.mark.parametrize("lie", [+100, -100])
def test_a_length_that_is_not_kept_never_makes_a_complete_part(published, output, lie):
    name = CHARACTERS[ONE_PART].parts[0]
    faults = Faults()
    faults.head_length[name] = (published / name).stat().st_size + lie
    with serving(published, faults) as url, pytest.raises(UserError, match=name):
        run(url, output, "--retries", "3", characters=[ONE_PART])
    assert not (output / name).exists()


def test_a_page_sent_in_place_of_an_archive_is_refused(published, output):
    name = CHARACTERS[ONE_PART].parts[0]
    (published / name).write_bytes(b"<html>Please log in</html>")
    with serving(published) as url, pytest.raises(UserError, match="no gzip archive"):
        run(url, output, characters=[ONE_PART])
    assert not (output / name).exists()


def test_a_file_longer_than_the_published_one_is_left_alone_and_named(published, output):
    name = CHARACTERS[ONE_PART].parts[0]
    output.mkdir()
    (output / name).write_bytes(b"x" * 100_000)
    with serving(published) as url, pytest.raises(UserError, match="100000 bytes on disk"):
        run(url, output, characters=[ONE_PART])
    assert (output / name).stat().st_size == 100_000


def test_a_dry_run_lists_parts_and_bytes_and_writes_nothing(published, output, capsys):
    with serving(published) as url:
        run(url, output, "--dry_run")
    told = capsys.readouterr().out
    total = sum(path.stat().st_size for path in published.iterdir())
    assert f"7 parts, {total:,} bytes" in told
    assert all(part in told for part in CHARACTERS[SIX_PARTS].parts)
    assert not output.exists()


def test_a_full_disk_is_told_before_the_first_byte(published, output, monkeypatch):
    usage = type("usage", (), {"free": 10})
    monkeypatch.setattr(download_data.shutil, "disk_usage", lambda _: usage)
    with serving(published) as url, pytest.raises(UserError, match="are free"):
        run(url, output)
    assert not list(output.iterdir())


def test_an_unreachable_server_is_one_line(output):
    with pytest.raises(UserError, match="connection failed"):
        run("http://127.0.0.1:9", output, "--retries", "2", characters=[ONE_PART])
