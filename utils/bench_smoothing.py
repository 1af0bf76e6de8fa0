"""What smoothing costs and gives: jitter taken away against lag, on a synthetic sequence.

Poses of a set are taken as key poses a second apart and joined smoothly (cubic Hermite), seen at 30
frames a second, with white noise on every coordinate as a network's answers have it.
"""

import argparse
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from base.errors import UserError
from base.set_type import SetType
from dataset.mocap import Mocap
from utils.command import run_command
from utils.defaults import DEFAULT_DATA_ROOT
from utils.inference.smoothing import OneEuroFilter, OneEuroOptions

_FPS = 30
_KEYS = 40
#: Cutoff at rest, hertz, and rise, that are compared.
_OPTIONS = ((0.5, 0.0), (1.0, 0.0), (3.0, 0.0), (0.5, 6.0), (1.0, 2.0), (1.0, 6.0), (1.0, 15.0))


def sequence(keys: np.ndarray, fps: int) -> np.ndarray:
    """Smooth motion (F, 16, 3) through key poses (K, 16, 3) a second apart, resting at each."""
    s = (np.arange(fps) / fps)[:, None, None]
    ease = s * s * (3 - 2 * s)
    return np.concatenate([a + ease * (b - a) for a, b in itertools.pairwise(keys)])


def smoothed(poses: np.ndarray, options: OneEuroOptions) -> np.ndarray:
    """The filter run over (F, 16, 3) poses at 30 frames a second."""
    smooth = OneEuroFilter(options)
    return np.array([smooth(pose, number / _FPS) for number, pose in enumerate(poses)])


def lag_ms(found: np.ndarray, truth: np.ndarray) -> float:
    """By how much ``found`` is late: the delay of ``truth`` that is nearest to it, milliseconds.

    To a tenth of a frame, by linear interpolation in time.
    """
    frames = np.arange(len(truth))
    flat = truth.reshape(len(truth), -1)
    delays = np.arange(0, 12, 0.1)
    inner = slice(12, None)
    errors = []
    for delay in delays:
        at = np.clip(frames - delay, 0, None)
        low = np.floor(at).astype(int)
        share = (at - low)[:, None]
        late = flat[low] * (1 - share) + flat[np.minimum(low + 1, len(flat) - 1)] * share
        errors.append(np.mean((late[inner] - found.reshape(flat.shape)[inner]) ** 2))
    return float(delays[int(np.argmin(errors))]) * 1000 / _FPS


def jitter(poses: np.ndarray) -> float:
    """Root mean square of the joints' acceleration, metres a second squared."""
    acceleration = np.diff(poses, 2, axis=0) * _FPS**2
    return float(np.sqrt((acceleration**2).sum(-1).mean()))


def measure(keys: np.ndarray, noise_m: float) -> list[tuple[str, float, float, float]]:
    """Rows: what, share of the jitter that is left, lag in ms, mean error in mm."""
    truth = sequence(keys, _FPS)
    noisy = truth + np.random.default_rng(0).normal(0, noise_m, truth.shape)
    raw, motion = jitter(noisy), jitter(truth)

    def row(name: str, poses: np.ndarray) -> tuple[str, float, float, float]:
        error = np.linalg.norm(poses - truth, axis=-1).mean() * 1000
        return name, (jitter(poses) - motion) / (raw - motion), lag_ms(poses, truth), error

    rows = [row("none", noisy)]
    for cutoff, beta in _OPTIONS:
        options = OneEuroOptions(cutoff, beta)
        rows.append(row(f"{cutoff:g} {beta:g}", smoothed(noisy, options)))
    return rows


def main(argv: list[str] | None = None) -> None:
    """Command line of the measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data_root",
        type=Path,
        default=DEFAULT_DATA_ROOT,
        help="folder that holds ValSet, whose poses are the keys (default: data/synthetic)",
    )
    parser.add_argument(
        "--noise", type=float, default=15.0, help="mm on every coordinate (default: 15)"
    )
    args = parser.parse_args(argv)
    if args.noise <= 0:
        raise UserError(f"--noise {args.noise:g}: millimetres above 0")
    dataset = Mocap(args.data_root, SetType.VAL, pictures=False)
    count = min(_KEYS, len(dataset))
    if count < 4:
        raise UserError(f"{args.data_root}: {count} poses are too few for a sequence")
    poses = np.stack([dataset[row].joints3d for row in range(count)]).astype(np.float64)
    keys = poses - poses[:, :1]
    print(f"{count - 1} s of motion at {_FPS} frames/s, noise of {args.noise:g} mm\n")
    print(f"{'--smooth':12}{'jitter left':>14}{'lag':>10}{'mean error':>14}")
    for name, left, lag, error in measure(keys, args.noise / 1000):
        print(f"{name:12}{100 * left:12.0f} %{lag:7.0f} ms{error:11.1f} mm")


if __name__ == "__main__":
    run_command(main)
