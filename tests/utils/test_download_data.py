"""Downloading from a server that cuts connections, lies about lengths, and refuses."""

import urllib.error
import urllib.request

import numpy as np
import pytest
from http_server import Faults, serving

from base.errors import UserError
from dataset.release import download
from dataset.release.table import CHARACTERS
from utils import download_data

ONE, SIX = "female_002_f_s", "female_003_a_a"  # of one part and of six
[NAME] = CHARACTERS[ONE].parts
PARTS = CHARACTERS[SIX].parts


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(download, "_FIRST_WAIT", 0.001)


@pytest.fixture
def published(tmp_path):
    """A folder with the parts of two characters."""
    folder = tmp_path / "published"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part in (NAME, *PARTS):
        magic = b"\x1f\x8b" if part.endswith("aa") else b""
        (folder / part).write_bytes(magic + rng.bytes(5000 + 100 * ord(part[-1])))
    return folder


@pytest.fixture
def output(tmp_path):
    return tmp_path / "downloads"


def run(url, output, *options, characters=(ONE, SIX)):
    download_data.main(
        ["--output", str(output), "--base_url", url, "--characters", *characters, *options]
    )


def assert_same(published, output):
    expected = {path.name: path.read_bytes() for path in published.iterdir()}
    assert {path.name: path.read_bytes() for path in output.iterdir()} == expected


def test_all_parts_arrive_and_a_second_run_fetches_nothing(published, output, capsys):
    faults = Faults()
    with serving(published, faults) as url:
        run(url + "/", output)
        assert_same(published, output)
        run(url, output)
    assert sum(map(len, faults.starts.values())) == 7
    assert f"7 parts complete in {output}" in capsys.readouterr().out


def test_a_cut_connection_is_resumed_at_the_byte_where_it_broke(published, output):
    faults = Faults()
    # More failures than --retries, but each after new bytes, and not two in a row without.
    faults.cuts[PARTS[2]] = [1000, 2000, 0, 10, 10]
    faults.statuses["GET"][PARTS[2]] = [503]
    with serving(published, faults) as url:
        run(url, output, "--jobs", "1", "--retries", "3")
    assert_same(published, output)
    assert faults.starts[PARTS[2]] == [None, None, 1000, 3000, 3000, 3010, 3020]


def test_an_interrupted_download_goes_on_where_it_stopped(published, output):
    output.mkdir()
    (output / f"{NAME}.download").write_bytes((published / NAME).read_bytes()[:700])
    # A file cut off by another downloader has its final name; and all may be there but the name.
    (output / PARTS[0]).write_bytes((published / PARTS[0]).read_bytes()[:900])
    (output / f"{PARTS[1]}.download").write_bytes((published / PARTS[1]).read_bytes())
    (output / f"{PARTS[2]}.download").write_bytes(bytes(20_000))  # longer than what is published
    faults = Faults()
    with serving(published, faults) as url:
        run(url, output)
    assert_same(published, output)
    assert faults.starts[NAME] == [700] and faults.starts[PARTS[0]] == [900]
    assert faults.starts[PARTS[1]] == [] and faults.starts[PARTS[2]] == [None]


def test_a_server_without_ranges_is_asked_for_the_whole(published, output, monkeypatch):
    counted = []
    monkeypatch.setattr(download_data.tqdm, "update", lambda _, count=1: counted.append(count))
    faults = Faults()
    faults.ignore_range.add(NAME)
    faults.cuts[NAME] = [1000]
    with serving(published, faults) as url:
        run(url, output, characters=[ONE])
    assert (output / NAME).read_bytes() == (published / NAME).read_bytes()
    # One size asked for; what was discarded does not count.
    assert -1000 in counted and sum(counted) == 1 + (published / NAME).stat().st_size


@pytest.mark.parametrize(("there", "stated"), [(15_000, 15_001), (700, 4000)])
def test_bytes_on_disk_that_do_not_fit_the_published_file_are_discarded(
    published, output, there, stated
):
    """The range starts beyond its end (416), or its end is not where it should be."""
    output.mkdir()
    (output / f"{NAME}.download").write_bytes(bytes(there))
    faults = Faults()
    faults.stated[NAME] = stated
    with serving(published, faults) as url:
        with pytest.raises(UserError, match=f"{NAME}: .*gave up after 3"):
            run(url, output, "--retries", "3", characters=[ONE])
        assert faults.starts[NAME][:2] == [there, None]
        del faults.stated[NAME]
        run(url, output, characters=[ONE])
    assert (output / NAME).read_bytes() == (published / NAME).read_bytes()


def test_busy_answers_are_tried_again(published, output):
    faults = Faults()
    faults.statuses["GET"][NAME] = [429, 503, 500, 502]
    faults.statuses["HEAD"][NAME] = [503, 429]
    with serving(published, faults) as url:
        run(url, output)
    assert_same(published, output)
    assert len(faults.starts[NAME]) == 5


@pytest.mark.parametrize("status", [404, 403])
def test_a_part_that_cannot_be_had_is_named_and_the_others_arrive(published, output, status):
    faults = Faults()
    faults.statuses["HEAD"][PARTS[3]] = [status]
    with serving(published, faults) as url, pytest.raises(UserError) as caught:
        run(url, output)
    assert f"1 of 7 parts failed: {PARTS[3]}: " in str(caught.value)
    assert f"{status}" in str(caught.value)
    (published / PARTS[3]).unlink()
    assert_same(published, output)


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_server_that_never_recovers_is_given_up(published, output, attempts):
    faults = Faults()
    faults.statuses["GET"][NAME] = [503] * 50
    message = f"status 503 .gave up after {attempts} "
    with serving(published, faults) as url, pytest.raises(UserError, match=message):
        run(url, output, "--retries", str(attempts), characters=[ONE])
    assert len(faults.starts[NAME]) == attempts


@pytest.mark.parametrize("lie", [+1, -1])
def test_a_length_that_is_not_kept_never_makes_a_complete_part(published, output, lie):
    faults = Faults()
    faults.stated[NAME] = (published / NAME).stat().st_size + lie
    with serving(published, faults) as url, pytest.raises(UserError, match=NAME):
        run(url, output, "--retries", "3", characters=[ONE])
    assert not (output / NAME).exists()


def test_a_page_sent_in_place_of_an_archive_is_refused(published, output):
    (published / NAME).write_bytes(b"<html>Please log in</html>")
    with serving(published) as url, pytest.raises(UserError, match="no gzip archive"):
        run(url, output, characters=[ONE])
    assert not (output / NAME).exists()


def test_a_file_longer_than_the_published_one_is_left_alone_and_named(published, output):
    output.mkdir()
    (output / NAME).write_bytes(bytes(100_000))
    with serving(published) as url, pytest.raises(UserError, match="100000 bytes on disk"):
        run(url, output, characters=[ONE])
    assert (output / NAME).stat().st_size == 100_000


def test_a_dry_run_lists_parts_and_bytes_and_writes_nothing(published, output, capsys):
    output.mkdir()
    (output / f"{NAME}.download").write_bytes(bytes(7))
    with serving(published) as url:
        run(url, output, "--dry_run")
    printed = capsys.readouterr().out
    total = sum(path.stat().st_size for path in published.iterdir())
    assert f"7 parts, {total:,} bytes (0.00 GB)" in printed
    size = (published / NAME).stat().st_size
    assert f"{url}/{NAME}  {size:,} bytes, 7 of them on disk\n" in printed
    assert all(part in printed for part in PARTS)
    assert [path.name for path in output.iterdir()] == [f"{NAME}.download"]


def test_a_full_disk_is_reported_before_the_first_byte(published, output, monkeypatch):
    output.mkdir()
    (output / f"{NAME}.download").write_bytes((published / NAME).read_bytes()[:1000])
    need = (published / NAME).stat().st_size - 1000
    usage = type("usage", (), {"free": need - 1})
    monkeypatch.setattr(download_data.shutil, "disk_usage", lambda _: usage)
    with serving(published) as url:
        with pytest.raises(UserError, match="are free"):
            run(url, output, characters=[ONE])
        assert (output / f"{NAME}.download").stat().st_size == 1000
        usage.free = need
        run(url, output, characters=[ONE])


def test_without_a_network_the_first_failed_connection_says_so(output):
    """Nothing listens there; eight attempts for each of seven parts would take an hour."""
    with pytest.raises(UserError, match=r"no connection to 127.0.0.1:9 .*: check network"):
        run("http://127.0.0.1:9", output)
    for address in ("127.0.0.1", "ftp:/x", "http://a b"):
        with pytest.raises(UserError, match=r"not an address|no connection"):
            run(address, output, characters=[ONE])


def test_a_network_that_goes_away_is_reported_and_ends_the_run(
    published, output, monkeypatch, capsys
):
    calls, true = [], urllib.request.urlopen

    def urlopen(request, timeout):
        if request.get_method() == "HEAD":
            return true(request, timeout=timeout)
        calls.append(request.full_url)
        raise urllib.error.URLError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with serving(published) as url, pytest.raises(UserError, match=r"\(Network is unreachable\)"):
        run(url, output, "--retries", "3", "--jobs", "1")
    assert calls == [f"{url}/{NAME}"] * 3
    assert capsys.readouterr().err.count("trying again") == 1


@pytest.mark.parametrize("option", ["--jobs", "--retries"])
def test_numbers_below_one_are_refused(option, output):
    with pytest.raises(UserError, match="must be at least 1"):
        run("http://127.0.0.1:9", output, option, "0")
