"""Results that others have published on the xR-EgoPose test set: MPJPE of the full body, mm."""

from base.actions import ACTION_GROUPS
from utils.evaluation.mpjpe import ALL

#: Columns of every table by action, in the order of the published ones.
TABLE_GROUPS: tuple[str, ...] = (ALL, *sorted(ACTION_GROUPS))

# Tome et al., ICCV 2019 (Martinez et al. 2017 run by them); Tome et al., "SelfPose", 2020, with a
# rotation branch; Park et al., "Domain-guided spatio-temporal self-attention for egocentric 3D pose
# estimation" (Ego-STAN), 2022, with their runs of the dual branch, best of three; of their own
# method All is 39.8 to 40.5.
_TABLE = """
Martinez 2017                   122.1 109.6 105.4 119.3 125.8  93.0 119.7 111.1 124.5 130.5
xR-EgoPose, one branch (2019)   130.4 138.3 108.5 100.3 133.3 117.8 175.6  93.5 129.0 131.9
xR-EgoPose, dual branch (2019)   58.2  56.0  50.2  44.6  51.1  59.4  60.8  43.9  53.9  57.7
SelfPose (2020)                  54.7
dual branch, Ego-STAN's re-run   61.3  59.1  49.0  50.2  61.3  51.7  60.0  45.0  63.9  62.8
the same with L1 losses          57.9  52.0  44.8  47.6  57.3  50.7  52.4  41.2  61.4  59.3
direct regression (2022)         50.1  44.7  41.1  43.2  45.9  45.9  43.2  36.1  54.3  50.1
one-frame transformer (2022)     50.4  39.4  35.9  40.0  48.3  43.6  37.6  34.0  56.0  50.2
Ego-STAN, 5 frames (2022)        40.5  32.8  30.2  33.5  37.2  30.0  29.8  30.0  43.6  42.0
"""
#: Method → group → MPJPE; of some, All alone.
PUBLISHED: dict[str, dict[str, float]] = {
    line[:31].rstrip(): dict(zip(TABLE_GROUPS, map(float, line[31:].split()), strict=False))
    for line in _TABLE.strip().splitlines()
}
