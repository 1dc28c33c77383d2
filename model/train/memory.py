"""Memory that was freed is kept for the next step.

A step of training frees all that it took, and glibc gives much of that back to the system, which has to clear
it again page by page: up to a fifth of a step's time (LOG.md).
"""

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # of mallopt(3)
LARGEST = 32 << 20  # that glibc takes from its heap, in bytes


def keep() -> None:
    """For the whole process; where the C library is not glibc, nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
        mallopt(TOP_PAD, 64 << 20)
        mallopt(MMAP_THRESHOLD, LARGEST)
