"""How this folder's hot loops are compiled and kept fresh on disk.

Decides the compiler's options. Numba's cache looks only at the file of the function it keeps,
so that a change in a file it calls would go unseen: building blocks are therefore never cached
themselves, and the one loop that calls other files holds a fingerprint of all of them.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from numba import njit

_OPTIONS = {"nogil": True, "fastmath": True, "error_model": "numpy"}
#: For building blocks, compiled into whatever calls them.
compiled = njit(**_OPTIONS)
#: For loops that Python calls.
cached = njit(cache=True, **_OPTIONS)


def source_stamp() -> int:
    """Return a fingerprint of all Python sources of this folder."""
    stamp = 0
    for path in sorted(Path(__file__).parent.glob("*.py")):
        stamp = zlib.crc32(path.read_bytes(), stamp)
    return stamp
