"""The parts of a command: one of them (``--part``), or all, in processes or as tasks of Ray."""

import argparse
import contextlib
import hashlib
import importlib
import io
import os
import socket
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from base.errors import UserError
from base.work_parts import Part, be_worker, in_processes
from utils.common.command import whole_number
from utils.common.cores import cpu_count
from utils.common.paths import REPOSITORY

#: Parts for each CPU or GPU of a cluster, so that the last ones end together; and how often one is
#: tried again whose worker or node has died.
_PER_DEVICE, _RETRIES = 4, 10
_count = whole_number(1, 10**6)
_PACKAGES = "base", "dataset", "model", "utils"


def _part(text: str) -> Part:
    number, _, stated = text.partition("/")
    count = 16
    try:
        count = _count(stated)
        return Part(whole_number(1, count)(number), count)
    except argparse.ArgumentTypeError:
        text = f"'{text}': of {count}, the first is 1/{count}, the last {count}/{count}"
        raise argparse.ArgumentTypeError(text) from None


def add_part_options(parser: argparse.ArgumentParser, of: str) -> None:
    """``--part`` and what runs all of them, see doc/scale.md."""
    add = parser.add_argument_group("parts, see doc/scale.md").add_argument
    text = (
        f"make the I-th of N parts of {of}: --part 3/16; the one that ends last puts all together"
    )
    add("--part", type=_part, metavar="I/N", help=text)
    text = "make all N parts, in as many processes as there are cores"
    add("--parts", type=_count, metavar="N", help=text)
    text = "make them as tasks of the Ray cluster at ADDRESS (default: the one of this machine or "
    text += f"job), {_PER_DEVICE} for each CPU unless --parts says how many"
    add("--ray", nargs="?", const="auto", metavar="ADDRESS", help=text)


def is_cut(arguments: argparse.Namespace) -> bool:
    """Whether all parts are to be run; UserError where one of them is, too."""
    whole = bool(arguments.parts or arguments.ray)
    if whole and arguments.part:
        raise UserError("--part is one of the parts that --parts and --ray run: give one of them")
    return whole


@lru_cache
def project_version() -> str:
    """Of the project's Python sources."""
    paths = [path for name in _PACKAGES for path in (REPOSITORY / name).rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted([*paths, *REPOSITORY.glob("*.py")]):
        digest.update(f"{path.relative_to(REPOSITORY)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def run_part(part: Part, module: str, argv: list[str], folder: str, version: str) -> str:
    """Run a part of the command of a module in this process, from a folder; returns what it prints.
    UserError where this project is not of that version, or the part was stopped."""
    if project_version() != version:
        here = f"{project_version()} in {REPOSITORY} on {socket.gethostname()}"
        raise UserError(f"this project is {version} where the command runs, but {here}: update it")
    os.chdir(folder)
    be_worker()
    bars, printed = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(bars), contextlib.redirect_stdout(printed):
        try:
            importlib.import_module(module).main([*argv, "--part", str(part)])
        except SystemExit:
            said = (bars.getvalue() + printed.getvalue()).strip()
            raise UserError(said.rpartition("\n")[2]) from None
    return printed.getvalue()


def run_parts(module: str, argv: list[str] | None, ray: str | None, gpu: bool = False) -> None:
    """Run all parts of the command of a module with these arguments (default: of this process), on
    the Ray cluster at ``ray``, with a ``gpu`` for each where it has any, else in processes here."""
    parser = argparse.ArgumentParser(add_help=False)
    add_part_options(parser, "")
    given, rest = parser.parse_known_args(sys.argv[1:] if argv is None else argv)
    how = module, rest, str(Path.cwd()), project_version()
    if ray is None:
        parts = Part(1, given.parts).all()
        done = in_processes(run_part, parts, min(len(parts), cpu_count()), *how)
        _follow(done, len(parts))
        return
    with _cluster(ray) as devices:
        name = "GPU" if gpu and devices.get("GPU") else "CPU"
        parts = Part(1, given.parts or _PER_DEVICE * max(1, int(devices.get(name, 1)))).all()
        _follow(_on_ray(parts, how, int(name == "GPU")), len(parts))


def _follow(done: Iterator[tuple[Part, str]], count: int) -> None:
    from tqdm import tqdm

    with tqdm(total=count, unit="part", dynamic_ncols=True) as bar:
        said: set[str] = set()  # by one part, and the same by others
        for _, printed in done:
            lines = printed.splitlines(keepends=True)
            bar.write("".join(line for line in lines if line not in said), end="")
            said.update(lines)
            bar.update()


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[dict[str, float]]:
    """A connection to a cluster, and how many CPUs and GPUs it has."""
    import ray

    os.environ.setdefault("RAY_TQDM_PATCH_PRINT", "0")  # Python's own print stays
    none = f"--ray {address}: no Ray cluster there: start one with 'ray start --head'"
    host, _, port = address.rpartition("//")[2].rpartition(":")
    try:
        if port.isdecimal():  # Ray itself would try for a minute
            socket.create_connection((host, int(port)), 10).close()
        ray.init(
            address=address,
            runtime_env={"env_vars": {"PYTHONPATH": str(REPOSITORY)}},
            log_to_driver=False,
            logging_level="error",
        )
    except (ConnectionError, OSError, OverflowError, RuntimeError, ValueError) as error:
        raise UserError(f"{none} ({str(error).strip().partition(chr(10))[0]:.200})") from None
    try:
        yield ray.cluster_resources()
    finally:
        ray.shutdown()


def _on_ray(parts: list[Part], how: tuple, gpus: int) -> Iterator[tuple[Part, str]]:
    import ray

    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_RETRIES)(run_part)
    running = {task.remote(part, *how): part for part in parts}
    while running:
        for done in ray.wait(list(running))[0]:
            part = running.pop(done)
            try:
                yield part, ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise (
                    error.cause if isinstance(error.cause, UserError | OSError) else error
                ) from None
            except ray.exceptions.RayError as error:
                why = str(error).strip().partition("\n")[0]
                raise UserError(
                    f"part {part} has died {_RETRIES + 1} times ({why:.200}): the same command "
                    "goes on with what is left"
                ) from None
