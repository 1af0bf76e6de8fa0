"""Commands in parts: the bytes of a run without, in any order, whatever dies meanwhile."""

import itertools
import json
import os
import shutil
import signal
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import archives
import cv2
import killing
import numpy as np
import pytest
import release
from commands import refused, run_inference

import inference
from base.lock import locked
from base.work_parts import PARTS, Part, in_processes, writing
from utils import pack_data
from utils.common import part_runner
from utils.inference.predictor import EgoPosePredictor

#: What inference.py writes of what the network finds.
WRITTEN = ("--format", "json", "npz", "csv", "bvh", "glb", "--rotations", "--batch_size", 2)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two characters in the release's layout, three environments each."""
    root = tmp_path_factory.mktemp("parts") / "tree"
    for character, set_folder in (("female_003_a_a", "TrainSet"), ("male_008_a_a", "ValSet")):
        for environment in ("env_001", "env_002", "env_003"):
            folder = release.camera_folder(root, set_folder, character, environment)
            for number in range(3):
                release.write_label(folder, number)
                release.write_picture(folder, number)
    return root


def packing(tree, output, *more):
    return [*("--input", str(tree), "--output", str(output), "--size", "64"), *map(str, more)]


@pytest.fixture(scope="module")
def packed(tree):
    """What packing without parts gives."""
    pack_data.main(packing(tree, tree.with_name("packed")))
    return archives.contents(tree.with_name("packed"))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_parts_of_a_packing_in_any_order_and_a_kill_give_its_bytes(tree, packed, tmp_path, order):
    first, *rest = ([f"{number}/3"] for number in order)
    command = packing(tree, tmp_path / "out", "--part")
    at = "dataset.packed.packing:write_environment"
    killing.kill("utils/pack_data.py", *command, *first, at=at, call=2)
    for part in (*rest, first, *rest):  # what is complete may come again
        assert not list(tmp_path.glob("out/*/index.json")) or part in rest
        pack_data.main([*command, *part])
    assert archives.contents(tmp_path / "out") == packed


def test_a_character_that_is_missing_is_not_taken_for_a_complete_part(tree, tmp_path, packed):
    for set_folder in ("TrainSet", "ValSet"):
        (character,) = (tree / set_folder).glob("*male*")
        archives.cut(archives.archive(character), character.name, tmp_path / "parts")
    (one, *_), whole = sorted((tmp_path / "parts").glob("female*")), tmp_path / "whole"
    one.rename(tmp_path / one.name)
    command = packing(tmp_path / "parts", whole, "--part")
    refused("not complete: .* missing", pack_data.main, [*command, "1/2"])
    pack_data.main([*command, "2/2"])
    assert not list(whole.glob("*/index.json"))
    (tmp_path / one.name).rename(one)
    pack_data.main([*command, "1/2"])
    kinds = ".tar", "annotations.npy", "index.json"
    made = archives.contents(whole)
    assert {n for n in packed if n.endswith(kinds)} == {n for n in made if n.endswith(kinds)}
    assert all(made[name] == packed[name] for name in made if name.endswith(kinds))


def interrupt(marker):
    """As a worker: Ctrl-C comes while it has much to do."""
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(30)
    Path(marker).touch()


def test_ctrl_c_does_not_wait_for_workers(tmp_path):
    if not (child := os.fork()):
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            list(in_processes(interrupt, [str(tmp_path / "went on")], 1))
        except KeyboardInterrupt:
            os._exit(130)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert not list(tmp_path.iterdir())


def test_a_pool_that_breaks_as_it_begins_leaves_ctrl_c_as_it_was(monkeypatch):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    fault = Mock(side_effect=BrokenProcessPool)
    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor.submit", fault)
    refused("a worker process was ended", list, in_processes(print, [1], 1))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_parts_run_in_processes(tree, packed, tmp_path, capsys):
    pack_data.main(packing(tree, tmp_path / "out", "--parts", 2))
    assert archives.contents(tmp_path / "out") == packed
    assert " complete" not in capsys.readouterr().out  # one command makes all


def test_what_several_parts_say_alike_is_said_once(capsys):
    done = [(Part(1, 2), "on CPU\nx\nx\n"), (Part(2, 2), "on CPU\ny\n")]
    part_runner._follow(iter(done), 2)
    assert capsys.readouterr().out == "x\nx\ny\n".join(["on CPU\n", ""])


@pytest.fixture(scope="module")
def address():
    """Of a Ray cluster of two nodes with a core each."""
    pytest.importorskip("ray", reason="pip install -r requirements-scale.txt")
    from ray.cluster_utils import Cluster

    alone = {"num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=alone)
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster.address
    cluster.shutdown()


def test_ray_refuses_another_version_and_goes_on_without_a_node_that_dies(
    tree, packed, address, tmp_path, monkeypatch
):
    command = packing(tree, tmp_path / "out", "--ray", address, "--parts")
    with monkeypatch.context() as patched:
        patched.setattr(part_runner, "project_version", lambda: "another")
        found = refused("is another where the command runs", pack_data.main, [*command, "1"])
    assert part_runner.project_version() in found and not (tmp_path / "out").exists()
    part_runner.run_parts("tests.killed_node", [*command, "3"], address)
    assert (tmp_path / "out.killed").is_file()
    assert archives.contents(tmp_path / "out") == packed


def test_no_cluster_at_an_address_is_one_line(tmp_path):
    pytest.importorskip("ray", reason="pip install -r requirements-scale.txt")
    for address in ("127.0.0.1:1", "nowhere"):
        command = packing(tmp_path, tmp_path / "out", "--ray", address)
        refused(f"--ray {address}: no Ray cluster there", pack_data.main, command)


@pytest.fixture
def pictures(tmp_path):
    """Seven pictures in two folders, one of them broken."""
    rng = np.random.default_rng(0)
    for number in range(7):
        path = tmp_path / "pictures" / ("a" if number < 4 else "b") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (64, 64)))
    path.with_name("5.png").write_bytes(b"")
    return tmp_path / "pictures"


def written(folder):
    """All that a run leaves, but for the order in which the next one would remove it."""
    found = archives.contents(folder)
    return found | {".files": sorted(found[".files"].split(b"\n"))}


@pytest.fixture
def command(tiny_kind, tiny_network, tmp_path):
    """Of inference into ``tmp_path / "out"``, with more words."""
    given = "--load_model", tiny_network, "--save_dir", tmp_path / "out", "--gpu", "cpu"
    return lambda *more: [str(word) for word in (*given, "--precision", "fp32", *more)]


@pytest.mark.parametrize("smooth", [(), ("--smooth", "--no_pictures")])
def test_parts_of_inference_in_any_order_and_a_kill_give_its_bytes(
    command, tiny_network, pictures, tmp_path, smooth, capsys
):
    given = ("--input_dir", pictures, "--recursive", *WRITTEN, *smooth)
    run_inference(tiny_network, tmp_path / "alone", *given)
    said = capsys.readouterr().out.replace("alone", "out")
    words = command(*given, "--part")
    killing.kill("inference.py", *words, "2/3", at="utils.inference.run:deliver", call=2)
    for part in ("3/3", "1/3", "2/3"):
        inference.main([*words, part])
    assert written(tmp_path / "out") == written(tmp_path / "alone")
    assert not (tmp_path / "out" / PARTS).exists()
    assert capsys.readouterr().out.endswith(said.split("\n", 1)[1])
    inference.main([*words, "1/3"])  # a cluster may run one again: what is there stays
    assert written(tmp_path / "out") == written(tmp_path / "alone")


def test_a_part_is_made_anew_where_its_pictures_or_options_have_changed(
    command, pictures, tmp_path, monkeypatch
):
    calls, real = itertools.count(), EgoPosePredictor.poses

    def poses(*given):
        next(calls)
        return real(*given)

    monkeypatch.setattr(EgoPosePredictor, "poses", poses)

    def batches(size, *more):
        before = next(calls)
        images = pictures / "a" / "*.png"
        inference.main(command("--input", images, "--batch_size", size, *more))
        return next(calls) - before - 1

    assert [batches("1", "--part", "1/2") for _ in range(2)] == [2, 0]
    os.utime(pictures / "a" / "3.png", (1, 1))  # of the second, but lens and turn are of all
    assert batches("1", "--part", "2/2") == 2
    assert not (tmp_path / "out" / "poses.json").exists()
    assert batches("2", "--part", "1/2") == 1  # another run's
    assert not (tmp_path / "out" / "poses.json").exists()
    assert batches("1", "--part", "1/2") == 2
    assert len(json.loads((tmp_path / "out" / "poses.json").read_text())["frames"]) == 4


def test_what_parts_would_change_is_refused_in_one_line(command, pictures, tmp_path):
    cv2.imwrite(str(pictures / "a" / "zz.png"), np.zeros((90, 64, 3), np.uint8))
    for number in range(30):
        shutil.copy(pictures / "a" / "1.png", pictures / "a" / f"0{number:02d}.png")
    cases = {
        "zz.png: 64×90, as none": ("--recursive", "--part", "2/2"),
        "zz.png: 64×90, as none of": ("--recursive", "--part", "2/2", "--rotate", "0"),
        "--video is made in one go": ("--recursive", "--video", "--part", "1/2"),
        "--no_pictures with --smooth": ("--recursive", "--smooth", "--part", "1/2"),
        "--stream is live": ("--stream", "udp://127.0.0.1:9", "--parts", "2"),
        "--part is one of the parts": ("--part", "1/2", "--parts", "3"),
    }
    for message, more in cases.items():
        given = ("--input_dir", pictures, *more)
        refused(message, inference.main, command(*given))
        assert not (tmp_path / "out" / "poses.json").exists()
    stated = "--input_dir", pictures, "--camera", "training", "--rotate", "0", "--recursive"
    for part in ("1/2", "2/2"):
        inference.main(command(*stated, "--part", part))
    assert len(json.loads((tmp_path / "out" / "poses.json").read_text())["lenses"]) == 3


def test_a_part_that_is_made_again_is_not_complete_meanwhile(tmp_path):
    one, two = Part(1, 2).all()
    for part, last in ((one, False), (two, True)):
        with part.held(tmp_path), part.finished(tmp_path, "same") as complete:
            assert complete is last
    with one.held(tmp_path), two.finished(tmp_path, "same") as complete:
        assert not complete


def test_no_part_begins_while_all_are_put_together(tmp_path, monkeypatch):
    one, two = Part(1, 2).all()
    with one.finished(tmp_path, "same"):
        pass
    with writing(tmp_path, two), two.finished(tmp_path, "same") as complete:
        assert complete
        monkeypatch.setattr("base.work_parts.locked", lambda folder, wait=0: locked(folder))
        refused("is writing to this folder", writing(tmp_path, one).__enter__)


def test_parts_of_different_numbers_are_not_made_at_the_same_time(tmp_path):
    with writing(tmp_path, Part(1, 2)):
        with writing(tmp_path, Part(2, 2)):
            pass
        for other in (Part(1, 3), None):
            refused("is writing to this folder", writing(tmp_path, other).__enter__)
    with writing(tmp_path, Part(1, 3)), writing(tmp_path, Part(2, 3)):
        pass


def test_a_worker_has_one_core(monkeypatch):
    monkeypatch.setattr("base.work_parts._is_worker", True)
    assert pack_data.parse_arguments(["--input", "a", "--output", "b"]).jobs == 1


def test_what_keeps_parts_from_being_put_together_is_said(tmp_path, capsys):
    for part, made_with in ((Part(2, 2), "old"), (Part(1, 2), "new")):
        with part.finished(tmp_path, made_with) as complete:
            assert not complete
    assert "2/2 is of other options or inputs" in capsys.readouterr().out.splitlines()[-1]


def test_a_part_that_was_stopped_says_so(monkeypatch):
    def main(argv):
        print(f"one line\npart {argv[-1]} was stopped and is not complete")
        sys.exit(143)

    monkeypatch.setattr(part_runner, "be_worker", lambda: None)
    monkeypatch.setitem(sys.modules, "stopped", SimpleNamespace(main=main))
    how = "stopped", [], str(Path.cwd()), part_runner.project_version()
    refused("^part 3/4 was stopped and is not complete$", part_runner.run_part, Part(3, 4), *how)


@pytest.mark.parametrize(
    ("text", "last"),
    [("0/2", 2), ("3/2", 2), ("1", 16), ("1/1000001", 16), ("1/" + "9" * 5000, 16)],
)
def test_a_part_that_cannot_be_is_refused(text, last, tree, tmp_path, capsys):
    with pytest.raises(SystemExit):
        pack_data.main(packing(tree, tmp_path, "--part", text))
    assert f"the first is 1/{last}, the last {last}/{last}" in capsys.readouterr().err


def test_shares_are_all_items_once():
    shares = [part.share(range(10)) for part in Part(1, 3).all()]
    assert shares == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
