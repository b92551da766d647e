"""Has the C library give large pieces of memory back to the system when they are free."""

import ctypes

#: Parameters of glibc's mallopt, and their values in bytes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES, _LARGE_BYTES = 8 * 2**20, 4 * 2**20


def give_back_large_pieces() -> None:
    """Fix the thresholds that glibc otherwise raises to 64 and 32 MiB once a piece of that size was freed.

    Each thread keeps so much for later: after some large pictures that is hundreds of megabytes, which nobody needs.
    The batches of faces are smaller, and take as long as before.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none, and keeps nothing
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
