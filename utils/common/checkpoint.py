"""Checkpoints: written whole or not at all, read safely, refused with a clear line.

A checkpoint is the reference implementation's dict (``resnet_state_dict`` and/or
``autoencoder_state_dict``, ``optimizer_state_dict``, ``scheduler``) with five keys more:
``config``, ``training``, ``mean_pose``, ``camera`` and ``mounts``.  Files of the reference lack
them and load as well.  Other kinds of model have ``…_state_dict`` keys of their own.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import ConfigDict, Field, FiniteFloat, TypeAdapter
from typing_extensions import TypedDict

from base.cameras import camera_from_dict
from base.cameras.camera import Camera
from base.errors import UserError, shown
from base.files import replacing
from base.release_camera import RELEASE_SQUARE
from base.skeleton import NUM_JOINTS
from model import KINDS, model_class
from model.backbone import resnet_of
from model.pose_model import PoseModel
from model.weight_file import check_weights, read_weight_file, write_weight_file
from utils.common.config import Config, parse_config
from utils.common.pretrained import check_model

RESNET = "resnet_state_dict"  # of the 2D module
_OPTIMIZER = "optimizer_state_dict"
#: What belongs to the run that wrote a checkpoint, and not to weights made of it.
OF_THE_RUN = (_OPTIMIZER, "scheduler", "training", "made_by")
BEST = "model_best.tar"  # on ValSet
_NUMBERED = re.compile(r"checkpoint_(\d+)(?:_step_(\d+))?\.tar")
_Count = Annotated[int, Field(ge=0, le=10**9)]
_Place = Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]


class Mounts(TypedDict, total=False):
    """On what a model was trained."""

    #: 0.5 % and 99.5 % quantiles of the Neck's place in the view over the training set, metres.
    neck: Annotated[list[_Place], Field(min_length=2, max_length=2)]
    #: As of :class:`~utils.inference.trained_range.TrainedRange`, the first over ValSet.
    uncertainty: FiniteFloat
    edge: FiniteFloat
    headsets: list[str]  # checksums
    mix: dict[str, Any]  # of several data roots, see dataset.mixed.Roots.mix


@dataclass
class TrainingState:
    """How far a run is, and what it needs beside weights and optimiser to go on exactly."""

    __pydantic_config__ = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    stage: Annotated[str, Field(max_length=40)]  # train2d, train3d, finetune or temporal
    epoch: _Count  # epochs completed
    best_epoch: _Count  # 0 before the first validation
    best_value: Annotated[float, Field(ge=0)]  # mm or px; infinity before the first validation
    step: _Count = 0  # steps done of the next epoch
    random: dict[str, torch.Tensor] | None = None  # states of the generators, within an epoch
    scaler: dict[str, float] | None = None  # state of the loss scaler (fp16)
    #: The weights being trained, under the layout's keys, where those stored in their usual place
    #: are the moving average of so many updates.
    weights: dict[str, dict[str, torch.Tensor]] | None = None
    ema_updates: _Count = 0


@dataclass(slots=True)
class Checkpoint:
    """What a checkpoint file holds."""

    path: Path
    networks: dict[str, dict[str, torch.Tensor]]  # weights, by the keys of the layout
    optimizer: dict[str, Any] | None
    training: TrainingState | None  # None in the reference's files
    config: Config  # where the file has none, the defaults for the networks it holds
    has_config: bool
    mean_pose: np.ndarray | None  # (16, 3) float64 metres, Neck at the origin, of the training set
    camera: Camera  # of the network's view; the release's square where the file has none
    mounts: Mounts | None = None
    model: PoseModel | None = None  # in the place of weights: in evaluation mode, on its device

    @property
    def parts(self) -> list[str]:
        """Names of the parts of the model that the file holds."""
        parts = model_class(self.config.model.kind).parts.items()
        return [name for name, part in parts if part.key in self.networks]

    @property
    def stage(self) -> str:
        """The stage whose weights these are."""
        if self.training is not None:
            return self.training.stage
        types = model_class(self.config.model.kind).training_types.items()
        held = [name for name, training in types if set(training.parts) == set(self.parts)]
        # Where two stages hold the same parts, the last one is the whole model's.
        return held[-1] if held else "no stage"


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint, or leave the one that was there: UserError where it cannot be written."""
    with replacing(path) as temporary:
        write_weight_file(temporary, content)


def save_in_run(
    folder: Path, content: dict[str, Any], keep: int | None, is_best: bool = False
) -> Path:
    """Write a run's checkpoint under the name of its place, the best (without the optimiser's
    state) as well, and then remove those of all but the last ``keep`` epochs, and older ones within
    an epoch; UserError where it cannot be written: all older ones are still there."""
    training = content["training"]
    if is_best:
        # Before the numbered one: a run killed between the two does the epoch again, and a
        # resumed one does not count a best that was not written.
        used = content | {"training": training | {"random": None, "weights": None}}
        del used[_OPTIMIZER], used["scheduler"]
        save_checkpoint(folder / BEST, used)
    epoch, step = training["epoch"], training["step"]
    path = folder / (f"checkpoint_{epoch}_step_{step}.tar" if step else f"checkpoint_{epoch}.tar")
    save_checkpoint(path, content)
    older = {one: at for one, at in list_checkpoints(folder).items() if at <= (epoch, step)}
    kept = [one for one, place in older.items() if place[1] == 0][:keep]
    for other in older.keys() - {path, *kept}:
        other.unlink(missing_ok=True)
    return path


def list_checkpoints(folder: Path) -> dict[Path, tuple[int, int]]:
    """The numbered checkpoints of a folder → (epochs, steps of the next), the furthest first."""
    matches = ((path, _NUMBERED.fullmatch(path.name)) for path in folder.glob("*.tar"))
    found = {path: (int(match[1]), int(match[2] or 0)) for path, match in matches if match}
    return dict(sorted(found.items(), key=lambda item: item[1], reverse=True))


def newest_whole_checkpoint(folder: Path) -> Checkpoint | None:
    """The furthest trained checkpoint that is intact, the best where no numbered one is; None if
    there is none. Damaged ones are named on standard error; UserError if all are damaged."""
    paths = [*list_checkpoints(folder), *folder.glob(BEST)]
    for path in paths:
        try:
            return read_checkpoint(path)
        except UserError as error:
            print(f"passed over: {error}", file=sys.stderr)
    if paths:
        raise UserError(
            f"{folder}: none of its {len(paths)} checkpoints can be read; "
            "remove them, or start anew with another --log_dir"
        )
    return None


def read_content(path: Path) -> dict[str, Any]:
    """Content of a checkpoint; UserError for a file that is missing, no checkpoint, or without
    weights of ours."""
    if check_model(path).suffix == ".onnx":
        raise UserError(f"{path}: an ONNX export, which inference.py alone runs: give a checkpoint")
    content = read_weight_file(path)
    if not isinstance(content, Mapping):
        raise UserError(f"{path}: not a checkpoint: it holds a {type(content).__name__}")
    networks = {key: _tensors(content[key]) for key in _keys() if content.get(key) is not None}
    if not networks:
        raise UserError(
            f"{path}: not a checkpoint of this project: it has no {RESNET} or other weights of "
            f"ours, but {shown([*content])}"
        )
    for key, weights in networks.items():
        if not weights:
            raise UserError(f"{path}: {key} is no dict of weights")
        check_weights(weights, f"{path}: {key}")
    return {**content, **networks}


def _keys() -> list[str]:
    """Keys of the parts of all kinds of model."""
    return list({part.key: 0 for kind in KINDS for part in model_class(kind).parts.values()})


def _tensors(values: Any) -> dict[str, torch.Tensor]:
    """The weights of a state dict, without what DataParallel and torch.compile put into names."""
    return {
        name.replace("_orig_mod.", "").removeprefix("module."): value
        for name, value in (values.items() if isinstance(values, Mapping) else ())
        if isinstance(name, str) and isinstance(value, torch.Tensor)
    }


def _default_config(networks: Mapping[str, Mapping[str, torch.Tensor]]) -> Config:
    """For weights without a configuration: the first kind of model that has all these parts, with
    the ResNet that they are of."""
    keys = {kind: {part.key for part in model_class(kind).parts.values()} for kind in KINDS}
    kind = next((kind for kind in KINDS if networks.keys() <= keys[kind]), next(iter(KINDS)))
    model = {"backbone": resnet_of(networks[RESNET])} if RESNET in networks else {}
    heatmap = {"subpixel": kind != "autoencoder"}  # of which the reference's are
    return parse_config({"model": {"kind": kind, **model}, "heatmap": heatmap}, "defaults")


def _mean_pose(stored: torch.Tensor) -> np.ndarray:
    if stored.shape != (NUM_JOINTS, 3) or torch.isinf(stored.float()).any():
        raise ValueError(f"{NUM_JOINTS} × 3 numbers are needed, NaN for joints without labels")
    return stored.double().numpy()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of ours or of the reference implementation; UserError as
    :func:`read_content`, and for a file whose other parts are not as we write them."""
    path = Path(path)
    content = read_content(path)
    networks = {key: content[key] for key in _keys() if content.get(key) is not None}
    keyed = TypeAdapter(dict[str, Any]).validate_python
    parsers = {
        "config": lambda stored: parse_config(keyed(stored), str(path)),
        "training": TypeAdapter(TrainingState).validate_python,
        "mean_pose": _mean_pose,
        "camera": camera_from_dict,
        "mounts": TypeAdapter(Mounts).validate_python,
        _OPTIMIZER: keyed,
    }
    found = dict.fromkeys(parsers)
    for key in [key for key in parsers if content.get(key) is not None]:
        try:
            found[key] = parsers[key](content[key])
        except UserError:
            raise
        except Exception:  # whatever a stranger's value trips over
            raise UserError(f"{path}: its {key} is not as train.py writes it") from None
    _, training, mean_pose, camera, mounts, optimizer = found.values()
    for key, weights in ((training and training.weights) or {}).items():
        check_weights(weights, f"{path}: training: {key}")
    try:
        config = found["config"] or _default_config(networks)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    size = config.data.input_size
    camera = camera or RELEASE_SQUARE.resized(size, size)
    if (camera.width, camera.height) != (size, size):
        raise UserError(
            f"{path}: its camera is of {camera.width} × {camera.height} pixels, its config of "
            f"{size} × {size}"
        )
    about = config, found["config"] is not None, mean_pose, camera, mounts
    return Checkpoint(path, networks, optimizer, training, *about)
