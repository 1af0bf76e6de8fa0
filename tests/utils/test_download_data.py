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
SIZE = 5000 + 100 * ord("a") + 2


@pytest.fixture(autouse=True)
def three_quick_attempts(monkeypatch):
    assert download._ATTEMPTS == 8 and download._FIRST_WAIT == 2
    monkeypatch.setattr(download, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(download, "_ATTEMPTS", 3)


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
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def run(url, output, *options, characters=(ONE, SIX)):
    download_data.main(
        ["--output", str(output), "--base_url", url, "--characters", *characters, *options]
    )


def refused(published, output, message, faults=None):
    """Download one part in vain."""
    with serving(published, faults) as url, pytest.raises(UserError, match=f"{NAME}: {message}"):
        run(url, output, characters=[ONE])


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
    faults.statuses["HEAD"][PARTS[2]] = [503, 429]
    # More failures than attempts, but never three in a row without a new byte.
    faults.statuses["GET"][PARTS[2]] = [500, 429]
    faults.cuts[PARTS[2]] = [1000, 2000, 0, 10, 10]
    with serving(published, faults) as url:
        run(url, output)
    assert_same(published, output)
    assert faults.starts[PARTS[2]] == [None, None, None, 1000, 3000, 3000, 3010, 3020]


def test_an_interrupted_download_goes_on_where_it_stopped(published, output):
    there = {
        f"{NAME}.download": (published / NAME).read_bytes()[:700],
        # A file cut off by another downloader has its final name.
        PARTS[0]: (published / PARTS[0]).read_bytes()[:900],
        f"{PARTS[1]}.download": (published / PARTS[1]).read_bytes(),
        f"{PARTS[2]}.download": bytes(20_000),  # longer than what is published
    }
    for name, content in there.items():
        (output / name).write_bytes(content)
    faults = Faults()
    with serving(published, faults) as url:
        run(url, output)
    assert_same(published, output)
    starts = [faults.starts[name] for name in (NAME, *PARTS[:3])]
    assert starts == [[700], [900], [], [None]]


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
    assert -1000 in counted and sum(counted) == 1 + SIZE


@pytest.mark.parametrize(("there", "stated"), [(15_000, 15_001), (700, 4000)])
def test_bytes_that_do_not_fit_the_published_file_are_discarded(published, output, there, stated):
    """The range starts beyond its end (416), or its end is not where it should be."""
    (output / f"{NAME}.download").write_bytes(bytes(there))
    faults = Faults()
    faults.stated[NAME] = stated
    refused(published, output, ".*gave up after 3", faults)
    assert faults.starts[NAME][:2] == [there, None]
    with serving(published) as url:
        run(url, output, characters=[ONE])
    assert (output / NAME).read_bytes() == (published / NAME).read_bytes()


@pytest.mark.parametrize("lie", [+1, -1])
def test_a_length_that_is_not_kept_never_makes_a_complete_part(published, output, lie):
    faults = Faults()
    faults.stated[NAME] = SIZE + lie
    refused(published, output, "", faults)
    assert not (output / NAME).exists()


@pytest.mark.parametrize(
    ("method", "statuses", "reason"),
    [
        ("HEAD", [404], "not found"),
        ("HEAD", [403], "refused with 403"),
        ("GET", [503] * 3, r"status 503 \(gave up after 3 attempts\)"),
    ],
)
def test_a_part_that_cannot_be_had_is_named_and_the_others_arrive(
    published, output, method, statuses, reason
):
    faults = Faults()
    faults.statuses[method][PARTS[3]] = statuses
    message = f"1 of 7 parts failed: {PARTS[3]}: {reason}"
    with serving(published, faults) as url, pytest.raises(UserError, match=message):
        run(url, output)
    for name in (NAME, *PARTS[:3], *PARTS[4:]):
        assert (output / name).read_bytes() == (published / name).read_bytes()
    assert not (output / PARTS[3]).exists()


def test_a_page_in_place_of_an_archive_and_a_file_too_long_are_refused(published, output):
    content = (published / NAME).read_bytes()
    (published / NAME).write_bytes(b"<html>Please log in</html>")
    refused(published, output, "what the server sent is no gzip archive")
    assert not list(output.iterdir())
    (published / NAME).write_bytes(content)
    (output / NAME).write_bytes(bytes(SIZE + 1))
    refused(published, output, f"has {SIZE + 1} bytes on disk, {SIZE} are published")
    assert (output / NAME).read_bytes() == bytes(SIZE + 1)


def test_a_dry_run_lists_parts_and_bytes_and_writes_nothing(published, output, capsys):
    (output / f"{NAME}.download").write_bytes(bytes(7))
    with serving(published) as url:
        run(url, output, "--dry_run")
    printed = capsys.readouterr().out
    total = sum(path.stat().st_size for path in published.iterdir())
    assert f"7 parts, {total:,} bytes (0.00 GB)" in printed
    assert f"{url}/{NAME}  {SIZE:,} bytes, 7 of them on disk\n" in printed
    assert all(part in printed for part in PARTS)
    assert [path.name for path in output.iterdir()] == [f"{NAME}.download"]


def test_a_full_disk_is_reported_before_the_first_byte(published, output, monkeypatch):
    (output / f"{NAME}.download").write_bytes((published / NAME).read_bytes()[:1000])
    usage = type("usage", (), {"free": SIZE - 1001})
    monkeypatch.setattr(download_data.shutil, "disk_usage", lambda _: usage)
    with serving(published) as url:
        with pytest.raises(UserError, match="are free"):
            run(url, output, characters=[ONE])
        assert (output / f"{NAME}.download").stat().st_size == 1000
        usage.free += 1
        run(url, output, characters=[ONE])


def test_without_a_network_the_first_failed_connection_says_so(output, monkeypatch):
    monkeypatch.setattr(download, "_FIRST_WAIT", 3600)
    with pytest.raises(UserError, match=r"no connection to 127.0.0.1:9 .*: check network"):
        run("http://127.0.0.1:9", output)
    with pytest.raises(UserError, match="not an address to download from"):
        run("127.0.0.1", output, characters=[ONE])
    with pytest.raises(SystemExit):
        run("http://127.0.0.1:9", output, "--jobs", "0")


def test_a_network_that_goes_away_ends_the_run_in_place_of_one_part(
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
        run(url, output, "--jobs", "1")
    assert calls == [f"{url}/{NAME}"] * 3
    assert capsys.readouterr().err.count("trying again") == 1
