"""Downloading from a server that cuts connections, lies about lengths, and refuses."""

import os
import signal
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import archives
import numpy as np
import pytest
from commands import refused
from http_server import Answer, Faults, serving

from base.lock import locked
from dataset.release import download
from dataset.release.table import CHARACTERS
from utils import download_data

ONE, SIX = "female_002_f_s", "female_003_a_a"  # of one part and of six
[NAME] = CHARACTERS[ONE].parts
PARTS = CHARACTERS[SIX].parts


def stream(seed, files):
    """A character's gzipped tar, of noise."""
    rng = np.random.default_rng(seed)
    names = [f"x/env_001/cam_down/rgba/{i}.png" for i in range(files)]
    return archives.tar_members([(tarfile.TarInfo(name), rng.bytes(1000)) for name in names])


SIZE = len(stream(0, 10))


@pytest.fixture(autouse=True)
def three_quick_attempts(monkeypatch):
    for name, value in {"_FIRST_WAIT": 0.001, "_ATTEMPTS": 3, "_PROGRESS": 1}.items():
        monkeypatch.setattr(download, name, value)


@pytest.fixture
def published(tmp_path):
    """A folder with the parts of two characters."""
    archives.cut(stream(0, 10), ONE, tmp_path / "published")
    archives.cut(stream(1, 24), SIX, tmp_path / "published")
    return tmp_path / "published"


@pytest.fixture
def output(tmp_path):
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def run(url, output, *options, characters=(ONE, SIX)):
    flags = ["--output", str(output), "--base_url", url, "--characters", *characters]
    download_data.main([*flags, *options])


def fetch(published, output, faults=None, characters=(ONE, SIX)):
    with serving(published, faults) as url:
        run(url, output, characters=characters)


def in_vain(published, output, message, faults=None):
    """Download one part in vain."""
    refused(f"{NAME}: {message}", fetch, published, output, faults, [ONE])


def assert_same(published, output):
    expected = {path.name: path.read_bytes() for path in published.iterdir()}
    assert {path.name: path.read_bytes() for path in output.glob("[!.]*")} == expected


def zeros(path):
    return bytes(path.stat().st_size)


def test_what_was_checked_is_not_asked_for_again_until_it_changes(
    published, output, monkeypatch, capsys
):
    faults, read, true = Faults(), [], download_data.read_archive
    monkeypatch.setattr(download_data, "read_archive", lambda *a: read.append(1) or true(*a))
    with serving(published, faults) as url:
        run(url + "/", output)
        assert_same(published, output)
        os.utime(output / NAME, (1, 1))
        (output / f".{SIX}.checked").write_bytes(b"\xff")
        run(url, output)
        faults.silent |= {"GET", "HEAD"}
        run(url, output)
    assert len(read) == 4 and sum(map(len, faults.starts.values())) == 7
    assert capsys.readouterr().out == f"7 parts complete in {output}\n" * 3


@pytest.mark.parametrize(
    ("partial", "answer", "starts"),
    [
        (0, lambda path: Answer(zeros(path)), [None, None]),
        (0, lambda path: Answer(path.read_bytes()[:3000]), [None, None]),
        (0, lambda path: Answer(status=204), [None, None]),
        (700, lambda path: Answer(b"Log in", 200), [700, 700]),
        (700, lambda path: Answer(headers={"Content-Range": "bytes 0-9/10"}), [700, None]),
        (700, lambda path: Answer(headers={"Content-Range": "\xff"}), [700, None]),
        (700, lambda path: Answer(headers={"Content-Range": f"bytes 700-9/{9**30}"}), [700, None]),
        (0, lambda path: Answer(headers={"Content-Length": "²"}), [None, None]),
        (0, lambda path: Answer(headers={"Transfer-Encoding": "chunked"}), [None, None]),
        (700, lambda path: Answer(zeros(path)[700:]), [700, None]),  # not what it says
    ],
)
def test_a_wrong_answer_never_makes_a_complete_part(partial, answer, starts, published, output):
    faults, path = Faults(), published / PARTS[1]
    (output / f"{path.name}.download").write_bytes(path.read_bytes()[:partial])
    faults.answers[path.name] = [answer(path)]
    fetch(published, output, faults)
    assert_same(published, output)
    assert faults.starts[path.name] == starts


def test_what_is_published_wrong_is_named_and_never_complete(published, output, capsys):
    path = published / PARTS[5]
    path.write_bytes(path.read_bytes()[:-8] + bytes(4) + path.read_bytes()[-4:])
    message = f"1 of 7 parts failed: {PARTS[0]}: .*to {PARTS[5]}: the archive's checksum is wrong"
    for _ in range(2):
        refused(f"{message}.* also when fetched again", fetch, published, output)
    assert "complete" not in capsys.readouterr().out


def test_pages_and_what_is_compressed_on_the_way_are_refused(published, output):
    answers = {
        "a page, 'text/html'": {"Content-Type": "text/html; charset=utf-8"},
        "it compressed, 'gzip'": {"Content-Encoding": "gzip"},
    }
    (output / f"{NAME}.download").write_bytes((published / NAME).read_bytes()[:700])
    for reason, headers in answers.items():
        (faults := Faults()).answers[NAME] = [Answer(headers=headers)]
        in_vain(published, output, f"the server, or a proxy before it, sends {reason}", faults)
        assert (output / f"{NAME}.download").stat().st_size == 700
    (faults := Faults()).stated[NAME] = "²"
    in_vain(published, output, "the server does not state its size", faults)


def test_ctrl_c_ends_what_waits_for_a_silent_server(published, output):
    faults = Faults()
    faults.silent.add("GET")
    script = Path(download_data.__file__)
    with serving(published, faults) as url:
        command = [sys.executable, script, "--output", output, "--base_url", url]
        command += ["--characters", ONE, SIX]
        # A shell's background jobs, and what they start, ignore Ctrl-C.
        listening = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **listening) as process:
            assert faults.waiting.wait(60)
            process.send_signal(signal.SIGINT)
            assert process.stderr.read().endswith("interrupted\n")
            assert process.wait() == 130


def test_a_second_download_into_one_folder_is_refused(published, output):
    message = rf"process {os.getpid()} on [\w.-]+ is writing to this folder"
    with locked(output):
        refused(message, fetch, published, output)


def test_a_cut_connection_is_resumed_at_the_byte_where_it_broke(published, output):
    faults = Faults()
    faults.statuses["HEAD"][PARTS[2]] = [503, 429]
    # More failures than attempts, but never three in a row without a new byte.
    faults.statuses["GET"][PARTS[2]] = [500, 429]
    faults.cuts[PARTS[2]] = [1000, 2000, 0, 10, 10]
    fetch(published, output, faults)
    assert_same(published, output)
    assert faults.starts[PARTS[2]] == [None, None, None, 1000, 3000, 3000, 3010, 3020]


def test_what_others_or_a_stopped_run_left_is_gone_on_from(published, output):
    there = {
        f"{NAME}.download": (published / NAME).read_bytes()[:700],
        # A file cut off by another downloader has its final name.
        PARTS[0]: (published / PARTS[0]).read_bytes()[:900],
        f"{PARTS[1]}.download": (published / PARTS[1]).read_bytes(),
        f"{PARTS[2]}.download": bytes(20_000),  # longer than what is published
    }
    for name, content in there.items():
        (output / name).write_bytes(content)
    fetch(published, output, faults := Faults())
    assert_same(published, output)
    starts = [faults.starts[name] for name in (NAME, *PARTS[:3])]
    assert starts == [[700], [900], [], [None]]


def test_a_server_without_ranges_is_asked_for_the_whole(published, output, monkeypatch):
    counted = []
    monkeypatch.setattr(download_data.tqdm, "update", lambda _, count=1: counted.append(count))
    faults = Faults()
    faults.ignore_range.add(NAME)
    faults.cuts[NAME] = [1000]
    fetch(published, output, faults, [ONE])
    assert (output / NAME).read_bytes() == (published / NAME).read_bytes()
    # All fetched and checked; what was discarded does not count.
    assert -1000 in counted and sum(counted) == 2 * SIZE


@pytest.mark.parametrize(
    ("method", "statuses", "reason"),
    [
        ("HEAD", [404], "not found"),
        ("HEAD", [403], "refused with 403"),
        ("GET", [503] * 3, r"status 503 \(gave up after 3 attempts\)"),
    ],
)
def test_a_part_that_cannot_be_had_is_named_others_arrive(
    published, output, method, statuses, reason
):
    faults = Faults()
    faults.statuses[method][PARTS[3]] = statuses
    message = f"1 of 7 parts failed: {PARTS[3]}: {reason}"
    refused(message, fetch, published, output, faults)
    (published / PARTS[3]).unlink()
    (output / f"{PARTS[3]}.download").unlink(missing_ok=True)
    assert_same(published, output)


def test_a_file_that_is_too_long_is_left_alone(published, output):
    (output / NAME).write_bytes(bytes(SIZE + 1))
    in_vain(published, output, f"has {SIZE + 1} bytes on disk, {SIZE} are published")
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
        refused("are free", run, url, output, characters=[ONE])
        assert (output / f"{NAME}.download").stat().st_size == 1000
        usage.free += 1
        run(url, output, characters=[ONE])


def test_without_a_network_the_first_failed_connection_says_so(published, output, monkeypatch):
    monkeypatch.setattr(download, "_FIRST_WAIT", 3600)
    monkeypatch.setattr(download, "_TIMEOUT", 0.2)
    (faults := Faults()).silent.add("HEAD")
    with serving(published, faults) as url:
        for address in ("http://127.0.0.1:9", url):
            refused("no connection to 127.0.0.1:.*: check network", run, address, output)
    for address in ("foo", "file:///etc", "http://[::1", "http://a..b", "http://x:y"):
        refused("not an address to download from", run, address, output)


def test_a_network_that_goes_away_ends_the_run_at_once(published, output, monkeypatch, capsys):
    calls, true = [], urllib.request.urlopen

    def urlopen(request, timeout):
        if request.get_method() == "HEAD":
            return true(request, timeout=timeout)
        calls.append(request.full_url)
        raise urllib.error.URLError("Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with serving(published) as url:
        refused(r"\(Network is unreachable\)", run, url, output, "--jobs", "1")
    assert calls == [f"{url}/{NAME}"] * 3
    assert capsys.readouterr().err.count("trying again") == 1
