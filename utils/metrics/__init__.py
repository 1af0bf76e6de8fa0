"""Errors of poses: the official protocol, and what lies beyond it."""

from utils.metrics.errors import ALL, BODY_PARTS, joint_errors, neck_centred
from utils.metrics.evaluation import PoseMetrics
from utils.metrics.protocol import MPJPEByAction

__all__ = ["ALL", "BODY_PARTS", "MPJPEByAction", "PoseMetrics", "joint_errors", "neck_centred"]
