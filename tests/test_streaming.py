"""Training over a set that is fetched shard by shard, by two processes with a cache each."""

import os
import signal
import socket

import killing
import pytest
from commands import last_checkpoint, run_train
from tiny_model import CONFIG

from dataset import order
from dataset.packed import remote_set
from dataset.packed.packed import Packed
from utils.common.checkpoint import list_checkpoints

pytestmark = pytest.mark.usefixtures("tiny_kind")
#: The cache holds no shard but the one just fetched.
STREAMED = CONFIG.replace("data: {", "data: {memory_gib: 0, cache_gb: 1.0e-6, ")
#: A checkpoint at each step.
OFTEN = STREAMED.replace("{keep: 2}", "{keep: 2, minutes: 1.0e-9}")


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Two processes of a run called ``name``, each with a cache of its own as on two machines;
    with ``kill_at`` they are gone as the first begins a step of that number."""
    monkeypatch.setattr(order, "MIXED", 2)

    def train(name, root, *more, config=STREAMED, kill_at=None):
        (tmp_path / "config.yml").write_text(config)
        with socket.create_server(("localhost", 0)) as free:
            here = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free.getsockname()[1])}
        command = ["tests/tiny_model.py", "--training_type", "train2d", "--gpu", "cpu"]
        command += ["--config", tmp_path / "config.yml", "--data_root", root]
        command += ["--log_dir", tmp_path / name, *more]
        where = "utils.training.trainer:Trainer.train_step", str(kill_at), str(int(signal.SIGKILL))
        children = []
        with (tmp_path / "printed").open("w") as printed:
            for rank in "01":
                how = [killing.__file__, *where] if kill_at and rank == "0" else []
                cache = tmp_path / f"cache-{name}-{len(more)}-{rank}"
                own = {"RANK": rank, "LOCAL_RANK": rank, "XDG_CACHE_HOME": str(cache)}
                own |= here | {"WORLD_SIZE": "2"}
                children.append(killing.start(*how, *command, stream=printed.fileno(), **own))
            first = os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1])
            if kill_at:
                os.kill(children[1], signal.SIGKILL)
            os.waitpid(children[1], 0)
        assert first == (-signal.SIGKILL if kill_at else 0), (tmp_path / "printed").read_text()
        return tmp_path / name

    return train


def test_two_processes_killed_and_resumed_end_as_left_alone_and_as_on_disk(
    train, tiny_packed, tmp_path, monkeypatch
):
    url = f"file://{tiny_packed}"
    alone = train("alone", url)
    fetched = [*(tmp_path / "cache-alone-0-1").rglob("*.tar")]
    assert len(fetched) == 1  # the cache is bounded
    killed = train("killed", url, config=OFTEN, kill_at=5)
    assert next(iter(list_checkpoints(killed / "checkpoints"))).name.endswith("_1_step_1.tar")
    # On other machines: nothing is cached.
    assert last_checkpoint(train("killed", url, "--resume")) == last_checkpoint(alone)
    # The same order of what lies on disk.
    codes = property(lambda self: self.table.rows["shard"][self._rows] if self.pictures else None)
    monkeypatch.setattr(Packed, "shards", codes)
    assert last_checkpoint(train("disk", tiny_packed)) == last_checkpoint(alone)


def test_a_streamed_set_that_fits_in_memory_is_trained_on_as_one_on_disk(
    tiny_packed, tmp_path, monkeypatch, tiny_file
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    remote_set.mirror.cache_clear()
    for name, root in (("disk", tiny_packed), ("elsewhere", f"file://{tiny_packed}")):
        run_train("train2d", root, tmp_path / name, "--config", tiny_file)
    assert last_checkpoint(tmp_path / "disk") == last_checkpoint(tmp_path / "elsewhere")
