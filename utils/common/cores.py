"""How many cores there are to work with; kept apart from devices, which cost seconds to import."""

import os


def cpu_count() -> int:
    """Cores this process may use: those of the machine, or fewer where it was given fewer."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
