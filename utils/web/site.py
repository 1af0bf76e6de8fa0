"""What the page needs to know of the network's view and of headsets, as files that it reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.cameras.camera import Camera
from base.headset import RELEASE_HEADSET, Headset
from base.skeleton import HEATMAP_JOINTS, JOINTS, NECK
from dataset.headset_view import HeadsetView
from dataset.lens_warp import RIM
from dataset.square_crop import SquareCrop
from model.decode import decode_heatmaps
from model.pose_model import PoseModel
from utils.drawing import style
from utils.inference.onnx_export import Deployed
from utils.inference.predictor import DISAGREEMENT
from utils.inference.square_predictor import SquarePredictor, within_probability
from utils.inference.trained_range import TrainedRange

#: Pixels of the view between two points of the wide grid, which reaches half a side beyond it.
_STEP = 4


class PageModel(Deployed):
    """What the page runs: a model of kind transformer, its heatmaps decoded inside."""

    def __init__(self, model: PoseModel, camera: Camera) -> None:
        super().__init__(model, camera)
        self.names = (*model.exports, "confidence", "joints2d", "placed")

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, S, S, 3) uint8 RGB → also ``confidence`` (B, 16), ``joints2d`` (B, 16, 2) pixels of
        the picture, both as of :class:`~utils.inference.square_predictor.Prediction`, and where the
        picture shows ``camera3d``: ``placed`` (B, 16, 2)."""
        found = super().forward(images)
        known = dict(zip(self.model.exports, found, strict=True))
        seen, _ = decode_heatmaps(known["heatmaps"], self.model.input_size, self.model.subpixel)
        placed = self.camera.project(known["camera3d"], clamp=True)
        joints2d = placed.index_copy(1, torch.tensor(HEATMAP_JOINTS), seen)
        return (*found, within_probability(known["uncertainty"]), joints2d, placed)


def _grids(view: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the view: (S, S, 2), and the wide grid (N, N, 2), which 2D joints are looked up in:
    Head lies beyond the view."""
    reach = np.arange(-(view.width // 2), view.width + view.width // 2 + 1, _STEP)
    axes = np.arange(view.width), reach
    return tuple(np.stack(np.meshgrid(axis, axis), -1).astype(np.float64) for axis in axes)


def _write(path: Path, *arrays: np.ndarray) -> None:
    """Arrays as float32, little-endian, one after the other."""
    path.write_bytes(b"".join(array.astype("<f4").tobytes() for array in arrays))


def write_view(folder: Path, view: Camera) -> dict[str, Any]:
    """The network's view, for any lens: rays of its pixels, NaN where there are none or beyond the
    rim, and of the wide grid, those beyond the lens's range drawn in to it."""
    grid, wide = _grids(view)
    rays = view.unproject(grid)
    rays[~(view.angle(rays) <= RIM)] = np.nan
    _write(folder / "view.bin", rays, view.unproject(wide, clamp=True))
    return {"size": view.width, "step": _STEP}


def write_headset(
    folder: Path, headset: Headset, view: Camera, known: TrainedRange
) -> dict[str, Any]:
    """A headset, with the file of the places in its pictures that pixels of the view show, pixels,
    NaN where they show nothing, and of those of the wide grid; without a file where its centred
    square is the view."""
    transform = HeadsetView(headset, headset.camera, view).transform
    about = {
        "name": headset.name,
        "size": [headset.camera.width, headset.camera.height],
        "rotate": headset.rotate,
        "rotation": np.round(headset.rotation, 9).tolist(),
        "out_of_range": known.fault(headset, transform),
    }
    if isinstance(transform, SquareCrop):
        return about
    grid, wide = map(transform.points_back, _grids(view))
    grid[~transform.seen] = np.nan
    _write(folder / f"{headset.name}.bin", grid, wide)
    return about | {"file": f"{folder.name}/{headset.name}.bin"}


def site_data(
    network: SquarePredictor, headsets: Sequence[Headset], folder: Path
) -> dict[str, Any]:
    """Everything but the model; binary files are written to ``folder``."""
    view, known = network.camera, TrainedRange(network.mounts)
    (lenses := folder / "headsets").mkdir()
    shades = [style.hex_code(shade) for shade in style.PREDICTED]
    crop = SquareCrop(view.width, view.width, view.height)
    return {
        "view": write_view(folder, view),
        "headsets": [write_headset(lenses, headset, view, known) for headset in headsets],
        "fisheye": {"out_of_range": known.fault(RELEASE_HEADSET, crop)},
        "range": known.limits(),
        "skeleton": {
            "joints": JOINTS,
            "heatmaps": HEATMAP_JOINTS,
            "neck": NECK,
            "bones": style.BONES,
            "sides": [style.side(joint) for joint in range(len(JOINTS))],
            "bone_sides": [style.side(*bone) for bone in style.BONES],
            "shades": shades,
        },
        "disagreement": DISAGREEMENT,
    }
