"""A full disk without one: files of this process may not grow beyond a size."""

import contextlib
import resource
import signal


@contextlib.contextmanager
def file_size_limit(size):
    """Writing beyond ``size`` bytes into a file fails with EFBIG, as it does with ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
