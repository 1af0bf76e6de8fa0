"""``poses.npz``: an array for each quantity."""

import numpy as np

from base.skeleton import JOINTS
from utils.inference.outputs import Summary
from utils.inference.sinks.whole import WholeFormat
from utils.motion.rig import PARENTS, RIG_JOINTS

_ARRAYS = ("joints3d", "neck", "joints2d", "confidence", "residual")


class NpzFormat(WholeFormat):
    """The arrays are described in doc/inference.md."""

    def finish(self, summary: Summary) -> None:
        results = self.results
        poses = [result.pose for result in results]
        names = _ARRAYS + ("uncertainty",) * (poses[0].uncertainty is not None)
        arrays = {name: np.array([getattr(p, name) for p in poses], np.float32) for name in names}
        if self.run.motion:
            motions = [result.motion for result in results]
            arrays |= {
                "root": np.concatenate([motion.root for motion in motions], dtype=np.float32),
                "rotations": np.concatenate([m.rotations for m in motions], dtype=np.float32),
                "offsets": np.array([motion.offsets for motion in motions], np.float32),
                "rig_joints": np.array(RIG_JOINTS),
                "rig_parents": np.array(PARENTS),
            }
        np.savez_compressed(
            self.stream.buffer,
            joint_names=np.array(JOINTS),
            files=np.array([result.file for result in results]),
            frame=np.array([-1 if r.frame is None else r.frame for r in results], np.int64),
            time=np.array([np.nan if r.time is None else r.time for r in results], float),
            size=np.array([result.size for result in results], np.int64),
            disagrees=np.array([pose.disagrees for pose in poses]),
            out_of_range=np.array([pose.out_of_range for pose in poses]),
            **arrays,
        )
