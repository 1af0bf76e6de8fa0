"""What all commands do alike: one line for a missing library, and any character on any console."""

import argparse
import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import refused

from base.errors import UserError
from dataset.faults import Fault
from utils.common.command import (
    command_parser,
    number,
    output_file,
    output_folder,
    run_command,
    whole_number,
)
from utils.common.paths import REPOSITORY

COMMANDS = sorted(
    str(path)
    for path in [*REPOSITORY.glob("*.py"), *(REPOSITORY / "utils").glob("*.py")]
    if "run_command(main)" in path.read_text(encoding="utf-8")
)

#: Runs each line of arguments where none of the packages that take long can be imported, and prints
#: what the command says last.
EARLY = """
import contextlib, io, runpy, sys
slow = "torch", "cv2", "scipy", "matplotlib", "pydantic", "av", "tqdm", "anny", "onnx"
sys.modules.update(dict.fromkeys(slow))
for line in sys.argv[1:]:
    sys.argv = line.split()
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        with contextlib.suppress(SystemExit):
            runpy.run_path(sys.argv[0], run_name="__main__")
    print(said.getvalue().partition("\\n")[0])
"""


def run(*command, **environment):
    return subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        timeout=300,
    )


def early(*lines):
    done = run("-c", EARLY, *lines, PYTHONPATH=str(REPOSITORY))
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


def test_every_command_answers_before_it_imports_what_takes_seconds():
    assert len(COMMANDS) > 15
    found = early(*(f"{command} --help" for command in COMMANDS))
    assert [line[:7] for line in found] == ["usage: "] * len(COMMANDS)


def test_what_is_not_there_is_told_before_that_too():
    lines = {
        "inference.py --input_dir no": "no: no such folder of pictures",
        "inference.py --input no.png": "--input no.png: no such picture, folder, video or pattern",
        "inference.py --input . --load_model no.tar": "no checkpoint at no.tar: give a file",
        "inference.py --input . --camera no.yml#a": "no.yml#a: no such file; give a calibration",
        "inference.py --input . --headset no": "--headset no: no such file; give a headset file",
        "inference.py --input . --skeleton no.json": "no.json: no such file or folder",
        "inference.py --input 0 --stream ws://a:99999": "--stream ws://a:99999: give osc://HOST",
        "demo.py --save_dir no --data_root no": "--data_root no: no such folder",
        "demo.py --save_dir no --headset no": "--headset no: no such file",
        "train.py --training_type all --data_root no": "--data_root no: no such folder",
        "train.py --training_type all --config no": "configuration no: no such file; give",
        "train.py --training_type finetune --data_root . --load_3d_model no": "no checkpoint at no",
        "utils/check_data.py --data_root no": "--data_root no: no such folder",
        "utils/benchmark.py no": "configuration no: no such file; give a YAML file, or one of abl",
        "utils/make_synthetic.py --output no --headset no": "--headset no: no such file",
    }
    for said, expected in zip(early(*lines), lines.values(), strict=True):
        assert said.startswith(f"error: {expected}"), said


@pytest.mark.parametrize(
    ("script", "raised", "status", "said"),
    [
        ("fit_headset", "ImportError('libGL.so.1', name='cv2')", 2, "OpenCV: libGL.so.1: install"),
        ("demo", "ModuleNotFoundError('', name='torch')", 2, "pip install -r requirements.txt"),
        ("fit_headset", "ModuleNotFoundError('', name='anny')", 2, "requirements-synthetic.txt"),
        ("demo", "KeyboardInterrupt", 130, "interrupted"),
    ],
)
def test_what_imports_lack_is_one_line(script, raised, status, said, tmp_path):
    # What imports it among the first.
    commands = {
        "fit_headset": ("cv2", "utils/fit_headset.py --pictures x --camera training --output"),
        "demo": ("torch", "demo.py --data_root . --save_dir"),
    }
    module, command = commands[script]
    (tmp_path / f"{module}.py").write_text(f"raise {raised}")
    script, *options = command.split()
    start = f"import runpy, sys; sys.argv[0] = {script!r}\n"
    start += f"runpy.run_path({script!r}, run_name='__main__')"
    paths = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    done = run("-c", start, *options, tmp_path / "out.yml", PYTHONPATH=paths)
    [line] = done.stderr.decode().splitlines()
    assert done.returncode == status and said in line


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_any_character_can_be_printed(encoding, monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", console)
    run_command(lambda: print("mm ─ \u2026 \udcff", flush=True))
    printed = console.buffer.getvalue().decode(encoding)
    assert printed.startswith("mm ") and printed.endswith(" \\udcff\n")


ODD = "\x1b[31ma\nb\r\n\x9b2J\u2028.png"


@pytest.mark.parametrize(
    ("error", "status", "printed"),
    [
        (UserError(ODD), 2, "error: \\x1b[31ma b \\x9b2J .png\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (PermissionError(13, "Permission denied", "a/b"), 2, "error: a/b: Permission denied\n"),
    ],
)
def test_what_a_person_can_put_right_is_one_line_without_escapes(error, status, printed, capsys):
    def main():
        raise error

    with pytest.raises(SystemExit) as caught:
        run_command(main)
    assert caught.value.code == status and capsys.readouterr().err == printed
    assert str(Fault("unexpected file", ODD, "what")) == "\\x1b[31ma b \\x9b2J .png (what)"


def test_an_empty_argument_is_refused_not_taken_for_the_current_folder(capsys):
    for arguments in (["--data_root", ""], ["--data_root="]):
        with pytest.raises(SystemExit, match="2"):
            command_parser("", "data_root").parse_args(arguments)
        assert "is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--datta", "val"], r"unrecognized --datta: did you mean --data\?"),
        (["--save_dri=x"], r"unrecognized --save_dri: did you mean --save_dir\?"),
        (["--save_dir", "x", "--zzz"], "unrecognized --zzz"),
        (["--save_dir", "x", "-z"], "unrecognized -z"),
        (["--save_dir", "x", "--data", "tset"], r".*choose from .*\): did you mean test\?"),
        (["--save_dir", "x", "--views", "12"], r".*choose from .*\)"),
    ],
)
def test_a_mistyped_flag_or_choice_is_one_line_with_what_was_meant(flags, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        command_parser("", "save_dir", "data", "views").parse_args(flags)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and re.fullmatch(f"error: {said}\n", printed)


@pytest.mark.parametrize("text", ["s3://bucket/out", "hf://datasets/a/b", "memory://x"])
def test_a_place_elsewhere_is_no_folder_of_this_machine(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser = command_parser("", "data_root", "save_dir", several={"type": Path, "nargs": "+"})
    assert "cache" in str(parser.parse_args(["--data_root", text, "--save_dir", "x"]).data_root)
    for given in (["--save_dir", text], ["--save_dir", "x", "--several", "y", text]):
        refused(f"{text}: no folder or file on this machine", parser.parse_args, given)


@pytest.mark.parametrize(
    ("kind", "fine", "wrong"),
    [
        (whole_number(1, 50), {"1": 1, "50": 50}, ["0", "51", "-1", "1.5", "9" * 5000, "²"]),
        (number(0, 10), {"0": 0, "2.5": 2.5, "1e1": 10}, ["nan", "inf", "-1", "10.1", "x"]),
    ],
)
def test_numbers_of_the_command_line_are_bounded(kind, fine, wrong):
    assert {text: kind(text) for text in fine} == fine
    for text in wrong:
        with pytest.raises(argparse.ArgumentTypeError, match="number from"):
            kind(text)


def test_outputs_that_cannot_be_written_are_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    for text in ("file", "new", "a/b/new", str(tmp_path / "x.json")):
        assert str(output_file(text)) == text
    for text in (".", "a/b/new"):
        assert str(output_folder(text)) == str(os.path.normpath(text))
    for kind, text in ((output_file, "."), (output_file, "file/x"), (output_folder, "file")):
        with pytest.raises(argparse.ArgumentTypeError, match="can be written there"):
            kind(text)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file"]
    # Root may write anywhere but to a read-only disk.
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(tmp_path))
    for kind in (output_file, output_folder):
        with pytest.raises(argparse.ArgumentTypeError, match="can be written there"):
            kind("a/new")


@pytest.mark.parametrize(
    "flags",
    [
        "calibrate_confidence --load_model small --within nan",
        "calibrate_confidence --load_model small --output .",
        "draw_contact_sheet --output a.png --size 100000",
        "draw_contact_sheet --output here.txt/a.png",
        "draw_predictions --input_dir . --output a.png --within -1",
        "draw_predictions --input_dir . --output a.png --rotate inf",
        "benchmark small --seeds -1",
        "benchmark small --output here.txt",
        "compare_results a b --output .",
        "check_data --data_root . --report .",
    ],
)
def test_bad_arguments_are_refused_by_the_parser(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.txt").write_text("")
    command, *words = flags.split()
    with pytest.raises(SystemExit) as end:
        importlib.import_module(f"utils.{command}").main(words)
    said = capsys.readouterr().err.splitlines()[-1]
    assert end.value.code == 2 and f"error: argument {words[-2]}: " in said
